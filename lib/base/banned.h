/* Functions that have no place in this code base, turned into compile errors.
 * Include last. Each has a bounded or reentrant replacement in lib/base or libc. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#undef alloca /* stdlib.h makes it a macro, which can't be poisoned */

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atof gmtime localtime
#pragma GCC poison alloca strncpy strncat asctime ctime setlocale system popen

#endif
