# What the jobs of examples/ci plan and apply: a platform in a cluster that others look after.
#
# The connection comes from the environment (KUBE_HOST, KUBE_CLUSTER_CA_CERT_DATA, KUBE_TOKEN), so that
# the plan's job and the apply's job can use different credentials for one saved plan.

terraform {
  required_version = ">= 1.5"

  required_providers {
    kubeflow = {
      source = "mlops8020/kubeflow"
    }
  }

  # Add the backend that keeps your state; the jobs run on machines that forget.
}

variable "release" {
  description = "Kubeflow release."
  type        = string
  default     = "26.03"
}

variable "components" {
  description = "Components to install; null installs what the release's own example does."
  type        = set(string)
  default     = null
}

provider "kubeflow" {}

resource "kubeflow_platform" "this" {
  release    = var.release
  components = var.components

  oidc = {
    issuer            = "https://login.example.com"
    client_id         = "kubeflow"
    client_secret_ref = { name = "kubeflow-oidc", key = "client-secret" }
  }

  gateway = {
    service_type = "ClusterIP"
    external_url = "https://kubeflow.example.com"
  }
}
