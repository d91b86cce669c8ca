#!/usr/bin/env bash
# The plugin host, proved by a real Terraform that drives the probe provider (tests/acceptance/probe).
. "$(dirname "$0")/lib.sh"

PROVIDER=probe
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}
PROBE=$PROVIDER_DIR/terraform-provider-probe
COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2

# main.tf: the provider with a directory for its objects, and what comes on stdin.
config() {
    mkdir -p objects
    {
        cat <<HCL
terraform {
  required_providers { probe = { source = "mlops8020/probe" } }
}
provider "probe" { dir = "$WORK/objects" }
HCL
        cat
    } >main.tf
}

noted() { grep -qxF -- "$1" objects/notes; }
notes_of() { grep -c -- "$1" objects/notes || true; }
notes_are() { [ "$(notes_of "$1")" = "$2" ]; }

# --- by hand -------------------------------------------------------------------------------------

test_by_hand() {
    "$PROBE" >stdout 2>stderr
    [ ! -s stdout ]
    assert_contains stderr "Terraform starts it by itself" "version" "-debug"
    "$PROBE" help >stdout
    assert_contains stdout "-debug"
    for spelling in version -version --version; do
        "$PROBE" $spelling >stdout
        assert_contains stdout "terraform-provider-probe " "protocol 6"
    done
    refused "$PROBE" nonsense 2>stderr
    assert_contains stderr 'unknown command "nonsense"'
    refused "$PROBE" version extra 2>stderr
    assert_contains stderr "usage: terraform-provider-probe version"
}

# --- start ---------------------------------------------------------------------------------------

client_certificate() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -days 1 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# Starts the plugin as a host does, its stdout a pipe that descriptor 7 reads; sets $plugin and $line.
start_plugin() { # environment...
    mkfifo pipe
    env TF_PLUGIN_MAGIC_COOKIE=$COOKIE PLUGIN_PROTOCOL_VERSIONS=6,5 "$@" "$PROBE" >pipe 2>stderr &
    plugin=$!
    exec 7<pipe
    rm pipe
    read -r -t 10 line <&7
}

test_handshake_line() {
    client_certificate client
    start_plugin PLUGIN_CLIENT_CERT="$(cat client.pem)"
    IFS='|' read -r core protocol network path transport certificate rest <<<"$line"
    assert_equal "$core|$protocol|$network|$transport|$rest" "1|6|unix|grpc|"
    [ -S "$path" ]
    assert_equal "$(stat -c %a "$(dirname "$path")")" 700
    case $certificate in *=* | '') die "certificate \"$certificate\"" ;; esac
    # the DER in unpadded base64: pad it again to read it
    pad=$(((4 - ${#certificate} % 4) % 4))
    printf '%s%s' "$certificate" "$(head -c $pad </dev/zero | tr '\0' =)" | base64 -d |
        openssl x509 -inform der -noout -text >cert
    assert_contains cert DNS:localhost CA:TRUE "TLS Web Server Authentication" prime256v1
    exec 7<&-
    eventually gone $plugin # the reader of its stdout is gone, and nobody ever connected
}

test_multiplex_field() {
    start_plugin PLUGIN_MULTIPLEX_GRPC=true
    case $line in "1|6|unix|$TMPDIR/"*"|grpc||false") ;; *) die "$line" ;; esac
    exec 7<&-
    eventually gone $plugin
}

test_only_the_hosts_certificate() {
    client_certificate client
    client_certificate stranger
    start_plugin PLUGIN_CLIENT_CERT="$(cat client.pem)"
    path=$(cut -d'|' -f4 <<<"$line")
    knock() { # s_client arguments; prints what the server says within a second
        (sleep 1) | openssl s_client -unix "$path" -alpn h2 -servername localhost "$@" 2>&1 || true
    }
    knock >without
    knock -cert stranger.pem -key stranger.key >other
    knock -cert client.pem -key client.key >right
    # TLS 1.3 lets a client finish before the server has looked at it: the door shuts afterwards
    assert_contains without "unexpected eof"
    assert_contains other "unexpected eof"
    assert_lacks right "unexpected eof" "alert"
    exec 7<&-
    eventually gone $plugin
}

test_broken_client_certificate() {
    refused env TF_PLUGIN_MAGIC_COOKIE=$COOKIE PLUGIN_CLIENT_CERT=nonsense "$PROBE" >stdout 2>stderr
    [ ! -s stdout ]
    assert_contains stderr "can't start" "PLUGIN_CLIENT_CERT"
}

simple() {
    config <<'HCL'
resource "probe_object" "a" { name = "a" }
HCL
}

test_temp_dirs() {
    simple
    long=$WORK/$(printf 'd%.0s' $(seq 100))
    mkdir "$long" "$WORK/with space" "$WORK/pipe|pipe" "$WORK/per%20cent"
    for dir in /nonexistent "$long" "$WORK/with space" "$WORK/pipe|pipe" "$WORK/per%20cent"; do
        TMPDIR=$dir tf plan
        assert_contains out "1 to add"
    done
}

test_foreign_openssl_config() {
    simple
    printf 'openssl_conf = x\n[x]\nproviders = y\n[y]\nforeign = z\n[z]\nactivate = 1\nmodule = /nonexistent.so\n' >openssl.cnf
    OPENSSL_CONF=$WORK/openssl.cnf tf plan
    assert_contains out "1 to add"
}

test_without_tls() {
    simple
    TF_DISABLE_PLUGIN_TLS=1 apply
    assert_settled
}

# --- the life of objects -------------------------------------------------------------------------

test_life() {
    config <<'HCL'
variable "value" { default = "one" }
resource "probe_object" "a" {
  name  = "a"
  value = var.value
}
output "a" { value = probe_object.a }
HCL
    tf plan
    assert_contains out '+ mode   = "auto"' "+ id     = (known after apply)" "1 to add"
    apply
    assert_equal "$(cat objects/a)" one
    assert_equal "$(state probe_object.a '.attributes | "\(.id) \(.mode) \(.writes)"')" "a auto 1"
    assert_settled
    apply -var value=two
    assert_contains out "1 changed"
    assert_equal "$(state probe_object.a .attributes.writes)" 2
    assert_settled -var value=two
    echo -n drifted >objects/a
    tf plan -var value=two
    assert_contains out '"drifted" -> "two"'
    destroy
    assert_contains out "1 destroyed"
    [ ! -e objects/a ]
}

test_replacement() {
    config <<'HCL'
variable "name" { default = "a" }
resource "probe_object" "a" { name = var.name }
HCL
    apply
    apply -var name=b
    assert_contains out "must be replaced" "# forces replacement" "1 added, 0 changed, 1 destroyed"
    [ -e objects/b ] && [ ! -e objects/a ]
    assert_settled -var name=b
}

test_gone_object_is_made_again() {
    simple
    apply
    rm objects/a
    tf plan
    assert_contains out "1 to add"
}

test_types() {
    config <<'HCL'
resource "probe_object" "other" { name = "other" }
resource "probe_types" "all" {
  a_bool           = true
  a_number         = 18446744073709551615
  a_string         = "é \u0000 \"quoted\" ${probe_object.other.id}-suffix"
  a_list           = [1, -1, 3.5, 0.1, 1e30, 123456789012345678901234567890.123456789]
  a_set            = ["c", "a", "b", "a"]
  a_map            = { yes = true, no = false }
  an_object        = { left = "l", right = 0.25 }
  a_set_of_objects = [{ left = "x", right = 1 }, { left = "y", right = null }]
  a_dynamic        = { k = [true, "s", null, { n = 1.5 }] }
  nested_single    = { text = "s" }
  nested_list      = [{ text = "l0" }, { text = probe_object.other.id }]
  nested_set       = [{ text = "t" }, { text = "u" }]
  nested_map       = { k = { text = "m" } }
  block_single { text = "s" }
  block_list { text = "b0" }
  block_list { text = "b1" }
  block_set { text = "b" }
  block_map "k" { text = "m" }
}
HCL
    sed -i 's/ \\u0000//' main.tf # NUL isn't allowed in HCL strings
    apply
    assert_settled
    json() { state probe_types.all ".attributes.$1"; }
    assert_equal "$(json a_string)" 'é "quoted" other-suffix'
    assert_equal "$(state probe_types.all '.attributes | (.a_set | join(","))')" a,b,c
    assert_equal "$(state probe_types.all '.attributes | .nested_list[1].text')" other
    # numbers keep their digits: in the text of the state, because jq's numbers are doubles
    assert_contains terraform.tfstate 18446744073709551615 123456789012345678901234567890.123456789 0.1
    apply -replace=probe_types.all
    assert_settled
}

test_absent_and_dynamic_blocks() {
    config <<'HCL'
variable "texts" {
  type    = list(string)
  default = []
}
resource "probe_object" "other" { name = "other" }
resource "probe_types" "none" {}
resource "probe_types" "some" {
  dynamic "block_list" {
    for_each = toset(var.texts)
    content { text = block_list.value }
  }
  dynamic "block_set" {
    for_each = probe_object.other.writes == null ? [] : [1] # unknown in the first plan
    content { text = "from unknown" }
  }
}
HCL
    apply -var 'texts=["x","y"]'
    assert_settled -var 'texts=["x","y"]'
    assert_equal "$(state probe_types.some '.attributes.block_list | map(.text) | join(",")')" x,y
    assert_equal "$(state probe_types.some '.attributes.block_set[0].text')" "from unknown"
    assert_equal "$(state probe_types.none '.attributes | "\(.block_list) \(.block_single) \(.block_group.text)"')" "[] null null"
    apply
    assert_settled
}

test_large_values() {
    config <<'HCL'
resource "probe_types" "large" { a_string = join("", [for i in range(600) : format("%010000d", i)]) }
HCL
    apply
    assert_equal "$(state probe_types.large '.attributes.a_string | length')" 6000000
    assert_settled
}

test_import() {
    simple
    echo -n seen >objects/a
    tf import probe_object.a a
    assert_equal "$(state probe_object.a '.attributes | "\(.id) \(.name) \(.value)"')" "a a seen"
    apply
    assert_equal "$(state probe_object.a .attributes.writes)" 8 # counts on from the private state of the import
    terraform state rm probe_object.a
    refused tf import probe_object.a refused
    assert_contains out "Not imported"
    refused tf import probe_object.a nothing
    assert_contains out "Cannot import non-existent remote object"
}

test_upgrade() {
    config <<'HCL'
resource "probe_upgraded" "a" { title = "t" }
HCL
    apply
    for old in '{"id":"upgraded","label":"t"} 0' '{"id":"upgraded","name":"t"} 1'; do
        read -r attributes version <<<"$old"
        jq --argjson a "$attributes" --argjson v "$version" '.resources[0].instances[0] |=
            (.attributes = $a | .schema_version = $v)' terraform.tfstate >new
        mv new terraform.tfstate
        assert_settled
    done
}

# --- what goes wrong -----------------------------------------------------------------------------

failing() {
    config <<'HCL'
variable "fail" { default = "" }
variable "value" { default = "one" }
resource "probe_object" "a" {
  name  = "a"
  value = var.value
  mode  = var.value
  fail  = var.fail
}
HCL
}

test_failed_creates() {
    failing
    refused apply -var fail=create
    assert_contains out "Not created" "Nothing was made."
    assert_equal "$(jq '.resources | length' terraform.tfstate)" 0

    refused apply -var fail=create-partly
    assert_contains out "Partly created"
    assert_equal "$(state probe_object.a '"\(.status) \(.attributes.id)"')" "tainted a"
    apply
    assert_contains out "1 added, 0 changed, 1 destroyed"
    assert_settled
    destroy

    # broken promises of our own: an error, and never an object that Terraform doesn't know of
    for fail in create-unknown create-other create-nothing; do
        refused apply -var fail=$fail
        assert_contains out "Error: "
        assert_lacks out "lugin did not respond" "panic"
        [ $fail = create-nothing ] || assert_equal "$(state probe_object.a .attributes.name)" a
        destroy
    done
}

test_failed_updates() {
    failing
    apply
    refused apply -var fail=update -var value=two
    assert_contains out "Not updated"
    assert_equal "$(state probe_object.a '.attributes | "\(.value) \(.writes)"')" "one 1"
    refused apply -var fail=update-partly -var value=two
    assert_contains out "Partly updated"
    assert_equal "$(state probe_object.a '"\(.status) " + (.attributes | "\(.value) \(.mode) \(.writes)")')" "null two one 2"
    apply -var value=two
    assert_equal "$(state probe_object.a '.attributes | "\(.value) \(.mode) \(.writes)"')" "two two 3"
    assert_settled -var value=two
}

test_failed_delete_read_plan() {
    failing
    apply -var fail=delete
    refused destroy
    assert_contains out "Not deleted"
    assert_equal "$(state probe_object.a .attributes.id)" a
    apply -var fail=read
    assert_equal "$(state probe_object.a .attributes.writes)" 2
    refused tf plan
    assert_contains out "Can't be read"
    assert_equal "$(state probe_object.a .attributes.id)" a
    apply -refresh=false
    refused tf plan -var fail=plan
    assert_contains out "Can't be planned" "main.tf line" "fail  = var.fail"
    destroy
}

test_invalid_utf8_in_diagnostics() {
    failing
    refused tf plan -var fail=utf8
    assert_contains out "Broken � text" "A byte � of no character."
}

test_provider_configuration_errors() {
    simple
    sed -i 's/provider "probe" { \(.*\) }/provider "probe" {\n  \1\n  fail = "validate"\n}/' main.tf
    refused tf validate
    assert_contains out "Refused" 'fail = "validate"'
    sed -i 's/"validate"/"configure"/' main.tf
    tf validate
    refused tf plan
    assert_contains out "No connection" 'fail = "configure"'
    sed -i 's/fail = "configure"/warn = "careful"/' main.tf
    tf plan
    assert_contains out "Warning: Warned" careful
}

test_unknown_provider_configuration() {
    config <<'HCL'
resource "terraform_data" "text" { input = "later" }
provider "probe" {
  alias = "late"
  dir   = "${path.cwd}/objects"
  warn  = terraform_data.text.output
}
resource "probe_object" "a" {
  provider = probe.late
  name     = "a"
}
HCL
    apply
    assert_contains out later
}

test_crashes_are_shown() {
    failing
    for fail in segv overflow bug; do
        refused apply -var fail=$fail
        assert_contains out "Stack trace from the terraform-provider-probe plugin" "panic: "
    done
    assert_contains out 'internal error: the invariant "one is one" is broken'
}

# --- secrets -------------------------------------------------------------------------------------

test_write_only() {
    config <<'HCL'
variable "leak" { default = false }
variable "serial" { default = 1 }
resource "probe_secret" "s" {
  password_wo         = "hunter2"
  password_wo_version = var.serial
  leak                = var.leak
}
HCL
    apply
    noted "secret $(printf hunter2 | sha256sum | cut -d' ' -f1)"
    assert_settled
    apply -var serial=2
    assert_contains out "1 changed"
    # a provider that gives the value back would make Terraform drop the object
    apply -var leak=true || true
    assert_equal "$(state probe_secret.s .attributes.id)" secret
    assert_lacks terraform.tfstate hunter2
}

test_ephemeral() {
    config <<'HCL'
ephemeral "probe_token" "t" {
  user    = "u"
  seconds = 1
}
resource "probe_secret" "s" {
  password_wo         = ephemeral.probe_token.t.token
  password_wo_version = 1
}
resource "probe_object" "slow" {
  name     = "slow"
  block_ms = 2500
  value    = probe_secret.s.id
}
provider "probe" {
  alias = "late"
  dir   = probe_object.slow.id == "slow" ? "${path.cwd}/objects" : ephemeral.probe_token.t.token
}
resource "probe_object" "last" {
  provider = probe.late
  name     = "last"
}
HCL
    apply
    noted "open u"
    noted "secret $(printf token-of-u | sha256sum | cut -d' ' -f1)"
    noted "renew u 1"
    noted "renew u 2"
    noted "close u"
    assert_lacks terraform.tfstate token-of-u
}

# --- data sources and functions ------------------------------------------------------------------

test_data_and_functions() {
    config <<'HCL'
variable "fail" { default = false }
resource "probe_object" "a" { name = "a" }
data "probe_echo" "e" {
  input = "in-${probe_object.a.id}"
  fail  = var.fail
}
output "echo" { value = data.probe_echo.e.output }
output "join" { value = provider::probe::join("-", "a", null, "c") }
output "type" { value = provider::probe::describe({ a = [1, "x"], b = null }) }
HCL
    apply
    assert_contains out 'echo = "in-a"' 'join = "a-null-c"' \
        'type = "[\"object\",{\"a\":[\"tuple\",[\"number\",\"string\"]],\"b\":\"dynamic\"}]"'
    assert_settled
    refused tf plan -var fail=true
    assert_contains out "No echo"
    echo 'output "no" { value = provider::probe::refuse("of this") }' >>main.tf
    refused tf plan
    assert_contains out 'Invalid value for "reason" parameter' "refused because of this"
}

# --- schema --------------------------------------------------------------------------------------

test_schema() {
    simple
    terraform providers schema -json >schema.json
    schema() { jq -r '.provider_schemas["registry.terraform.io/mlops8020/probe"]'"$1" schema.json; }
    assert_equal "$(schema '.resource_schemas | keys | join(",")')" probe_object,probe_secret,probe_types,probe_upgraded
    assert_equal "$(schema '.resource_schemas.probe_upgraded.version')" 2
    assert_equal "$(schema '.resource_schemas.probe_types.block.block_types | map(.nesting_mode) | unique | join(",")')" group,list,map,set,single
    assert_equal "$(schema '.functions.join.variadic_parameter.is_nullable')" true
    assert_equal "$(schema '.ephemeral_resource_schemas | keys[0]')" probe_token
    assert_equal "$(schema '.resource_schemas.probe_secret.block.attributes.password_wo.write_only')" true
}

# --- many, slow and interrupted ------------------------------------------------------------------

slow() { # count milliseconds
    config <<HCL
resource "probe_object" "slow" {
  count    = $1
  name     = "slow\${count.index}"
  block_ms = $2
}
HCL
}

test_parallel_creates() {
    slow 41 1500
    start=$(milliseconds)
    apply -parallelism=50
    took=$(($(milliseconds) - start))
    [ $took -lt 7000 ] || die "41 creates of 1.5 s took $took ms"
    destroy -parallelism=50
}

# terraform apply in the background, its pid in $terraform.
start_apply() {
    terraform apply -no-color -auto-approve "$@" >out 2>&1 </dev/null &
    terraform=$!
}

test_interrupt_once() {
    slow 12 60000
    # job control gives it a process group of its own, as a terminal's Ctrl-C would find it
    set -m
    start_apply -parallelism=12
    set +m
    eventually notes_are '^create slow' 12
    start=$(milliseconds)
    kill -INT -- -$terraform
    refused wait $terraform
    [ $(($(milliseconds) - start)) -lt 10000 ] || die "not cancelled at once"
    assert_contains out Interrupted
    assert_equal "$(notes_of cancelled)" 12
    assert_equal "$(state probe_object.slow .status | sort | uniq -c | tr -s ' ')" " 12 tainted"
}

test_interrupt_twice() {
    slow 2 60000
    sed -i 's/block_ms/deaf = true\n&/' main.tf
    set -m
    start_apply
    set +m
    eventually noted "create slow0"
    kill -INT -- -$terraform
    sleep 0.5
    kill -INT -- -$terraform
    refused wait $terraform
}

test_sigterm_to_the_provider_cancels() {
    slow 1 60000
    start_apply
    eventually noted "create slow0"
    kill -TERM "$(provider_processes)"
    refused wait $terraform
    assert_contains out Interrupted
    assert_lacks out "lugin did not respond"
    assert_equal "$(state probe_object.slow .status)" tainted
}

test_killed_terraform_leaves_nobody() {
    slow 3 60000
    start_apply
    eventually noted "create slow0"
    kill -9 $terraform
    wait $terraform || true
    eventually no_provider_process
    assert_equal "$(notes_of cancelled)" 3
}

# --- logs ----------------------------------------------------------------------------------------

test_logs() {
    simple
    TF_LOG=info apply
    assert_contains out "provider.terraform-provider-probe: creating a: @module=probe"
    assert_lacks out "failed to exit gracefully" "unexpected data"
    destroy
    TF_LOG_PROVIDER=trace tf plan
    assert_contains out "PlanResourceChange begins"
    TF_LOG=json apply
    grep -F '"@message":"creating a"' out | head -1 | jq -e '."@level" == "info"'
}

# --- reattach ------------------------------------------------------------------------------------

test_reattach() {
    slow 2 10
    "$PROBE" -debug >stdout 2>stderr &
    debug=$!
    eventually grep -q TF_REATTACH_PROVIDERS stdout
    eval "export $(cat stdout)"
    printf 'provider_installation {\n  direct {}\n}\n' >terraformrc # nothing but the environment names it
    apply
    assert_settled
    sed -i 's/block_ms *= 10/block_ms = 60000/' main.tf
    set -m
    start_apply
    set +m
    eventually notes_are '^update slow' 2
    kill -INT -- -$terraform
    refused wait $terraform
    assert_contains out Interrupted
    sed -i 's/block_ms *= 60000/block_ms = 20/' main.tf
    apply # the interrupt of the last run is over
    destroy
    kill -0 $debug
    kill -INT $debug || true
    kill -TERM $debug # background jobs of a script ignore SIGINT
    wait $debug
}

# Two configurations in one process: each object must go where its own provider block says.
test_reattach_with_aliases() {
    config <<HCL
provider "probe" {
  alias = "other"
  dir   = "$WORK/others"
}
resource "probe_object" "here" {
  count = 5
  name  = "here\${count.index}"
}
resource "probe_object" "there" {
  count    = 5
  provider = probe.other
  name     = "there\${count.index}"
}
HCL
    mkdir others
    "$PROBE" -debug >stdout 2>stderr &
    debug=$!
    eventually grep -q TF_REATTACH_PROVIDERS stdout
    eval "export $(cat stdout)"
    apply
    assert_equal "$(ls objects others | tr '\n' ' ')" \
        "objects: here0 here1 here2 here3 here4 notes  others: notes there0 there1 there2 there3 there4 "
    assert_settled
    destroy
    kill -TERM $debug
    wait $debug
}

# --- installation --------------------------------------------------------------------------------

mirror_config() {
    printf 'provider_installation {\n  filesystem_mirror { path = "%s" }\n}\n' "$WORK/mirror" >terraformrc
}

test_mirror_unpacked() {
    dir=mirror/registry.terraform.io/mlops8020/probe/0.1.0/linux_amd64
    mkdir -p "$dir"
    cp "$PROBE" "$dir/terraform-provider-probe_v0.1.0"
    mirror_config
    simple
    tf init
    apply
    assert_settled
    echo more >>"$dir/a-log"
    refused tf plan
    assert_contains out "checksums"
    rm "$dir/a-log"
    destroy
}

test_mirror_packed() {
    dir=mirror/registry.terraform.io/mlops8020/probe
    mkdir -p "$dir"
    cp "$PROBE" terraform-provider-probe_v0.1.0
    python3 -m zipfile -c "$dir/terraform-provider-probe_0.1.0_linux_amd64.zip" terraform-provider-probe_v0.1.0
    mirror_config
    simple
    tf init || { cat out; exit 1; }
    chmod +x .terraform/providers/registry.terraform.io/mlops8020/probe/0.1.0/linux_amd64/* # python's zip has no modes
    apply
    destroy
}

run_tests "$@"
