#!/usr/bin/env bash
# What examples/ and the pages show is valid: checked by Terraform with the provider under test.
. "$(dirname "$0")/lib.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}

test_examples_are_valid() {
    local dir
    for dir in "$ROOT"/examples/*/; do
        compgen -G "$dir*.tf" >/dev/null || continue
        rm -rf example
        cp -r "$dir" example
        terraform -chdir=example validate -no-color >out 2>&1 || die "$dir: $(cat out)"
    done
}

# Each ```terraform block of a page by itself, with the provider's source where it names none.
test_snippets_are_valid() {
    local page snippet
    for page in "$ROOT"/README.md "$ROOT"/docs/*.md "$ROOT"/docs/*/*.md; do
        rm -rf snippets
        mkdir snippets
        awk '/^```terraform$/ { n++; file = sprintf("snippets/%d.tf", n); next }
            /^```/ { file = "" }
            file { print >file }' "$page"
        for snippet in snippets/*.tf; do
            [ -f "$snippet" ] || continue
            rm -rf module
            mkdir module
            cp "$snippet" module/main.tf
            grep -q required_providers module/main.tf || cat >module/versions.tf <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
HCL
            terraform -chdir=module validate -no-color >out 2>&1 || die "$page, $snippet: $(cat out)"
        done
    done
}

run_tests "$@"
