# The Markdown of one schema: `terraform providers schema -json` | jq -r --arg kind resource_schemas
# --arg name kubeflow_component -f schema.jq. Attributes by what their users do with them, nested
# ones in sections of their own, as the pages of Terraform's registry have it.

def type_words:
  if type == "string" then {string: "String", number: "Number", bool: "Boolean", dynamic: "Dynamic"}[.]
  elif .[0] == "object" then "Object"
  elif .[0] == "tuple" then "Tuple"
  else {list: "List", set: "Set", map: "Map"}[.[0]] + " of " + (.[1] | type_words)
  end;

def nested_words:
  {single: "Attributes", list: "Attributes List", set: "Attributes Set", map: "Attributes Map",
   group: "Block", NestingSingle: "Block"}[.];

def block_words: {single: "Block", group: "Block", list: "Block List", set: "Block Set", map: "Block Map"}[.];

def anchor: "nestedschema--" + (join("--"));

# {name, words, description, how, path, inner}: one line of a list, and what is nested in it
def rows($path):
  ((.attributes // {}) | to_entries[] | .key as $key | .value |
    {name: $key, path: ($path + [$key]), description: (.description // ""),
     words: ([if .nested_type then (.nested_type.nesting_mode | nested_words) else (.type | type_words) end,
              (if .sensitive then "Sensitive" else empty end),
              (if .write_only then "Write-only" else empty end),
              (if .deprecated then "Deprecated" else empty end)] | join(", ")),
     how: (if .required then "Required" elif .optional then "Optional" else "Read-Only" end),
     inner: .nested_type}),
  ((.block_types // {}) | to_entries[] | .key as $key | .value |
    {name: $key, path: ($path + [$key]), description: (.block.description // ""),
     words: (.nesting_mode | block_words),
     how: (if (.min_items // 0) > 0 then "Required" else "Optional" end),
     inner: .block});

def line:
  "- `\(.name)` (\(.words))" + (if .description == "" then "" else " " + (.description | gsub("\\s*\\n\\s*"; " ")) end)
  + (if .inner then " (see [below for nested schema](#\(.path | anchor)))" else "" end);

def lists($path):
  [rows($path)] as $rows
  | (["Required", "Optional", "Read-Only"][] as $how
     | [$rows[] | select(.how == $how)] | select(length > 0)
     | "### \($how)\n", (.[] | line), ""),
    ($rows[] | select(.inner)
     | "<a id=\"\(.path | anchor)\"></a>\n### Nested Schema for `\(.path | join("."))`\n",
       (.path as $p | .inner | lists($p) | sub("^### (?<how>Required|Optional|Read-Only)\n$"; "\(.how):\n")));

.provider_schemas | to_entries[0].value
| if $kind == "provider" then .provider else .[$kind][$name] end
| "## Schema\n", (.block | lists([]))
