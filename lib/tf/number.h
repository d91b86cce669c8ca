/* Numbers as decimal text: what value.h keeps and the codecs write.
 *
 * The canonical text of a value is unique, so equal text means equal numbers. */
#ifndef TF_NUMBER_H
#define TF_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"

/* The digits without exponent, as Go's big.Float prints with format 'f'. */
#define TF_NUMBER_PLAIN_SIZE 1032
void tf_number_plain(const char *canonical, char out[TF_NUMBER_PLAIN_SIZE]);

int tf_number_compare(const char *a, const char *b); /* both canonical */

/* False if the number isn't whole or too large. */
bool tf_number_int64(const char *canonical, int64_t *ret_value);

/* True for a fraction that a binary64 holds exactly (0.25, not 0.1), if core reads the binary64 as
 * the same number: it takes the shortest text (not so for 85080825812.515625, which has 17 digits
 * where 16 tell it apart). And for the infinities. */
bool tf_number_double(const char *canonical, double *ret_value);

/* The canonical text: exact for whole numbers and short fractions, otherwise the shortest decimal
 * that reads back as the same. NULL for NaN. */
const char *tf_number_from_double(struct arena *a, double d);

#endif
