# shellcheck shell=bash
# A whole release: plan, first apply, refresh, one setting, destroy. Source it.

platform() { # directory release [attributes]
    mkdir -p "$1"
    cat >"$1/main.tf" <<HCL
terraform {
  required_providers { kubeflow = { source = "mlops8020/kubeflow" } }
}
variable "config_path" { type = string }
provider "kubeflow" { config_path = var.config_path }
resource "kubeflow_platform" "this" {
  release             = "$2"
  allow_default_login = true
  gateway             = { service_type = "LoadBalancer", allow_plain_http = true }
  on_destroy          = { crds = "delete", user_data = "delete" }
  ${3:-}
}
HCL
}

CULLING='culling = { enabled = true }'

peak_mb() { sort -k 2n "$SCRATCH/processes" | tail -n 1 | awk '{ printf "%.0f\n", $2 / 1024 }'; }

# On a cluster that doesn't exist.
plan_of_platform() {
    local dir=$SCRATCH/platform-plan ms mb size _
    platform "$dir" 26.03
    rm -f "$SCRATCH/processes"
    for _ in $(seq "$CHEAP"); do (export TF_VAR_config_path=/nonexistent && terraform_in "$dir" plan -out=p); done
    ms=$(median 1 "$dir/walls") mb=$(peak_mb)
    size=$(cd "$dir" && terraform show -no-color p | wc -c)
    row "terraform plan of 26.03, no cluster" "$ms ms" "" "" "<= 1500 ms" "$(within "$ms" 1500)"
    row "  memory at its peak" "$mb MB" "" "" "<= 150 MB" "$(within "$mb" 150)"
    row "  terraform show of it" "$((size / 1024)) KB" "" "" "<= 20 KB" "$(within "$size" 20480)"
}

apply_of_platform() {
    local dir=$SCRATCH/platform
    cluster_start
    rm -rf "$dir" "$SCRATCH/processes"
    platform "$dir" "$RELEASE"
    log_from_here
    terraform_in "$dir" apply -auto-approve
    cat "$dir/walls" >>"$SCRATCH/platform.apply"
    span_of_patches >>"$SCRATCH/platform.span"
    patches >"$SCRATCH/platform.patches"
    peak_mb >>"$SCRATCH/platform.peak"
    wc -c <"$dir/terraform.tfstate" >"$SCRATCH/platform.state"
    rm "$dir/walls"

    terraform_in "$dir" plan -detailed-exitcode
    cat "$dir/walls" >>"$SCRATCH/platform.refresh"
    rm "$dir/walls"

    platform "$dir" "$RELEASE" "$CULLING"
    terraform_in "$dir" plan -out=p
    (cd "$dir" && terraform show -no-color p | wc -l) >"$SCRATCH/platform.lines"
    rm "$dir/walls"
    log_from_here
    terraform_in "$dir" apply -auto-approve
    cat "$dir/walls" >>"$SCRATCH/platform.setting"
    patches >"$SCRATCH/platform.setting.patches"
    rm "$dir/walls"

    [ -f "$SCRATCH/platform.resources" ] || { resources_of_cluster && cp "$SCRATCH/resources.json" "$SCRATCH/platform.resources"; }
    terraform_in "$dir" destroy -auto-approve
    cat "$dir/walls" >>"$SCRATCH/platform.destroy"
}

# The same release's example from the plain client.
curl_of_platform() {
    cluster_start
    "$BUILD/render" -o json "$SCRATCH/tree/example" >"$SCRATCH/objects.json"
    cp "$SCRATCH/platform.resources" "$SCRATCH/resources.json"
    rm -f "$SCRATCH/first.curl"
    curl_first
    cat "$SCRATCH/first.curl" >>"$SCRATCH/platform.curl"
}

bench_platform() {
    local ms span curl r size lines _
    tree
    plan_of_platform
    for _ in $(seq "$SLOW"); do
        apply_of_platform
        curl_of_platform
    done
    ms=$(median 1 "$SCRATCH/platform.apply")
    row "first apply of $RELEASE, to ready" "$ms ms" "$(cat "$SCRATCH/platform.patches") PATCHes" "" "<= 30 s" "$(within "$ms" 30000)"
    span=$(median 1 "$SCRATCH/platform.span") curl=$(median 1 "$SCRATCH/platform.curl")
    r=$(ratio "$span" "$curl")
    row "  sending (with what it awaits)" "$span ms" "curl, HTTP/2: $curl ms" "$r x" "<= 1.3 x" "$(within "$r" 1.3)"
    row "  memory at its peak" "$(median 1 "$SCRATCH/platform.peak") MB" "" "" "" ""
    size=$(cat "$SCRATCH/platform.state")
    row "  state file" "$((size / 1024)) KB" "" "" "<= 200 KB" "$(within "$size" 204800)"
    ms=$(median 1 "$SCRATCH/platform.refresh")
    row "plan without a change" "$ms ms" "" "" "<= 2 s" "$(within "$ms" 2000)"
    lines=$(cat "$SCRATCH/platform.lines")
    row "one setting changes: terraform show" "$lines lines" "" "" "<= 60" "$(within "$lines" 60)"
    row "  its apply" "$(median 1 "$SCRATCH/platform.setting") ms" "$(cat "$SCRATCH/platform.setting.patches") PATCHes" "" "" ""
    row "destroy, to nothing left" "$(median 1 "$SCRATCH/platform.destroy") ms" "" "" "" ""
}
