# A whole Kubeflow release in one apply.
#
# Everything that the release's own example installs is applied in the order in which it works, and
# waited for. The plan needs no cluster: with a cluster that is made in the same apply, its address
# and credentials may be unknown until then.

terraform {
  required_version = ">= 1.5"

  required_providers {
    kubeflow = {
      source = "mlops8020/kubeflow"
    }
  }
}

variable "config_path" {
  description = "Path of the kubeconfig file of the cluster to install into."
  type        = string
}

variable "release" {
  description = "Kubeflow release."
  type        = string
  default     = "26.03"
}

provider "kubeflow" {
  config_path = var.config_path
}

resource "kubeflow_platform" "this" {
  release = var.release

  # The release's own user user@example.com with its public password, to look around with. For real
  # use see `users` and `oidc`.
  allow_default_login = true

  # Plain HTTP, also only to look around with. For real use: hostname and tls.
  gateway = {
    service_type     = "LoadBalancer"
    allow_plain_http = true
  }

  # Databases and the object store have volumes of their own, and users make custom resources. A
  # destroy would refuse to take them along; for a first look it may.
  on_destroy = {
    user_data = "delete"
    crds      = "delete"
  }
}

output "url" {
  description = "Where to log in."
  value       = kubeflow_platform.this.url
}

output "components" {
  description = "What is installed."
  value       = { for name, component in kubeflow_platform.this.components_resolved : name => component.version }
}
