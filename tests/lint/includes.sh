#!/bin/sh
# Includes go one way, own header first, banned.h last.
#
#     provider -> resources -> lib/kustomize, lib/kube, lib/cloud -> lib/krm -> lib/tf, lib/base
#
# lib/kustomize, lib/kube and lib/cloud know nothing of each other, lib/tf and lib/base only base.
# The generated proto/ is the provider's. Tables (.def) are included where they are used.

git ls-files -z --cached --others --exclude-standard 'lib/*.[ch]' 'resources/*.[ch]' 'provider/*.[ch]' |
    xargs -0 awk '
    BEGIN {
        may["lib/base"] = " lib/base "
        may["lib/tf"] = may["lib/base"] "lib/tf "
        may["lib/krm"] = may["lib/tf"] "lib/krm "
        may["lib/kustomize"] = may["lib/krm"] "lib/kustomize "
        may["lib/kube"] = may["lib/krm"] "lib/kube "
        may["lib/cloud"] = may["lib/krm"] "lib/cloud "
        may["resources"] = may["lib/krm"] "lib/kustomize lib/kube lib/cloud resources "
        may["provider"] = may["resources"] "provider proto "
    }
    function wrong(text) { print FILENAME ":" FNR ": " text; bad = 1 }
    function layer(path, part) {
        split(path, part, "/")
        return part[1] == "lib" ? part[1] "/" part[2] : part[1]
    }
    function finish_file() {
        if (file ~ /\.c$/ && last != "lib/base/banned.h") {
            print file ": lib/base/banned.h is not its last include"
            bad = 1
        }
    }
    FNR == 1 {
        if (NR > 1) finish_file()
        file = FILENAME; last = ""; first = 1
        own = file; sub(/\.c$/, ".h", own)
        has_own = own != file && (getline line < own) > 0
        close(own)
    }
    /^#include [<"]/ {
        path = $2; gsub(/[<">]/, "", path)
        if (has_own && first && path != own) wrong(own " is not its first include")
        first = 0
        if ($2 ~ /^"/) {
            if (path !~ /\//) wrong("\"" path "\" should be written as a path from the top")
            else if (index(may[layer(file)], " " layer(path) " ") == 0)
                wrong(layer(file) " must not include " path)
        }
        if (file ~ /\.h$/ && path == "lib/base/banned.h") wrong("a header must not ban for others")
        if (path !~ /\.def$/) last = path
    }
    END { finish_file(); exit bad }'
