# shellcheck shell=bash
# The control plane of a benchmark, the objects that are sent to it, and the plain client. Source it.

k() { kubectl --kubeconfig "$CLUSTER/kubeconfig" "$@"; }

cluster_stop() { "$BUILD/cluster" stop --dir "$CLUSTER" --rm >/dev/null 2>&1 || true; }

# An empty one.
cluster_start() {
    cluster_stop
    "$BUILD/cluster" start --dir "$CLUSTER" --parent-pid $$ --detach >"$SCRATCH/cluster.out" 2>&1 || {
        cat "$SCRATCH/cluster.out"
        exit 1
    }
    local key
    for key in certificate-authority-data client-certificate-data client-key-data; do
        sed -n "s/^ *$key: //p" "$CLUSTER/kubeconfig" | base64 -d >"$SCRATCH/$key"
    done
    SERVER=$(sed -n 's/^ *server: //p' "$CLUSTER/kubeconfig")
}

# --- what the API server saw ---------------------------------------------------------------------

ctl() { "$BUILD/cluster" ctl --dir "$CLUSTER" "$@"; }
log_from_here() { SINCE=$(ctl requests '{"path":"^$"}' | jq .next); }
requests_since() { ctl requests "{\"since\":$SINCE}"; }
patches() { requests_since | jq '[.requests[] | select(.method == "PATCH")] | length'; }

# Milliseconds from the first PATCH to the last one's answer.
span_of_patches() {
    requests_since | jq '[.requests[] | select(.method == "PATCH")
            | {begin: ((.time[0:19] + "Z" | fromdate) + ("0." + (.time[20:] | rtrimstr("Z")) | tonumber)), ms}]
        | ((map(.begin + .ms / 1000) | max) - (map(.begin) | min)) * 1000 | floor'
}

# --- objects -------------------------------------------------------------------------------------

objects_of_quickstart() { # -> objects.json
    local dir
    for dir in $QUICKSTART; do
        "$BUILD/render" -o json "$SCRATCH/tree/$dir"
    done | jq -s add >"$SCRATCH/objects.json"
}

annotated_objects() { # note
    jq --arg note "$1" 'map(.metadata.annotations["example.com/note"] = $note)' "$SCRATCH/objects.json"
}

# "apps/Deployment": {"plural": "deployments", "namespaced": true}, from a cluster that has them;
# of the versions only the preferred one is listed.
resources_of_cluster() { # -> resources.json
    k api-resources --no-headers | awk '{ print $(NF - 2), $NF, $1, $(NF - 1) }' |
        jq -Rs '[split("\n")[] | select(. != "") | split(" ")
                 | {key: ((.[0] | if contains("/") then split("/")[0] else "" end) + "/" + .[1]), value: {plural: .[2], namespaced: (.[3] == "true")}}] | from_entries' \
            >"$SCRATCH/resources.json"
}

# --- the plain client ----------------------------------------------------------------------------

# A file per object, and for each wave curl's configuration: namespaces, then all that the API
# server knows by itself, then custom resources.
curl_prepare() { # note
    rm -rf "$SCRATCH/curl"
    mkdir "$SCRATCH/curl"
    annotated_objects "$1" | jq -r --slurpfile r "$SCRATCH/resources.json" '
        (map(select(.kind == "CustomResourceDefinition") | .spec.group)) as $groups
        | to_entries[] | .key as $n | .value
        | (.apiVersion | if contains("/") then split("/")[0] else "" end) as $group
        | $r[0][$group + "/" + .kind] as $res
        | ((if .apiVersion | contains("/") then "/apis/" else "/api/" end) + .apiVersion
           + (if $res.namespaced then "/namespaces/" + (.metadata.namespace // "default") else "" end)
           + "/" + $res.plural + "/" + .metadata.name) as $path
        | (if .kind == "Namespace" then 1
           elif $groups | index($group) then 3 else 2 end) as $wave
        | [$n, $wave, $path, (if $res.namespaced then . else del(.metadata.namespace) end | tojson)] | join("\t")' |
        while IFS=$'\t' read -r n wave path object; do
            printf '%s' "$object" >"$SCRATCH/curl/$n.json"
            echo "$path" >"$SCRATCH/curl/$n.path"
            echo "$n" >>"$SCRATCH/curl/wave$wave"
        done
}

curl_fire() { # file with numbers of objects -> file `again` with those that failed
    local n
    while read -r n; do
        cat <<CONF
next
url = "$SERVER$(cat "$SCRATCH/curl/$n.path")?fieldManager=bench&force=true"
request = "PATCH"
header = "Content-Type: application/apply-patch+yaml"
data-binary = "@$SCRATCH/curl/$n.json"
output = "/dev/null"
write-out = "$n %{http_code}\n"
silent
http2
cacert = "$SCRATCH/certificate-authority-data"
cert = "$SCRATCH/client-certificate-data"
key = "$SCRATCH/client-key-data"
CONF
    done <"$1" | sed 1d >"$SCRATCH/curl/config"
    curl --no-progress-meter --parallel --parallel-max 100 --config "$SCRATCH/curl/config" >"$SCRATCH/curl/codes" || true
    awk '$2 !~ /^20[01]$/ { print $1 }' "$SCRATCH/curl/codes" >"$SCRATCH/curl/again"
}

curl_wave() { # file
    local tries=0
    curl_fire "$1"
    while [ -s "$SCRATCH/curl/again" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { cat "$SCRATCH/curl/codes"; return 1; }
        cp "$SCRATCH/curl/again" "$SCRATCH/curl/now"
        curl_fire "$SCRATCH/curl/now"
    done
}

curl_first() {
    curl_prepare first
    log_from_here
    local wave
    for wave in 1 2 3; do curl_wave "$SCRATCH/curl/wave$wave"; done
    span_of_patches >>"$SCRATCH/first.curl"
}

curl_update() { # note
    curl_prepare "$1"
    cat "$SCRATCH"/curl/wave? >"$SCRATCH/curl/all"
    log_from_here
    curl_wave "$SCRATCH/curl/all"
    span_of_patches >>"$SCRATCH/update.curl"
}
