# cert-manager, Istio's CRDs and Katib of Kubeflow 1.10.2 in one apply.
#
# Katib needs cert-manager for its webhook's certificate and Istio's CRDs for its VirtualService; both
# are ordered by depends_on. Each component is ready before the next one starts.

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
  default     = "1.10.2"
}

provider "kubeflow" {
  config_path = var.config_path
}

resource "kubeflow_component" "cert_manager" {
  name    = "cert-manager"
  release = var.release
}

resource "kubeflow_component" "istio_crds" {
  name    = "istio-crds"
  release = var.release
}

resource "kubeflow_component" "namespace" {
  name    = "kubeflow-namespace"
  release = var.release
}

resource "kubeflow_component" "katib" {
  name    = "katib"
  release = var.release

  # Katib keeps its experiments' history in a volume of its own. A destroy would refuse to take it
  # along; for a quick start it may.
  on_destroy = {
    user_data = "delete"
  }

  depends_on = [
    kubeflow_component.cert_manager,
    kubeflow_component.istio_crds,
    kubeflow_component.namespace,
  ]
}

output "katib" {
  description = "Version of Katib and number of objects it consists of."
  value       = "${kubeflow_component.katib.version}, ${length(kubeflow_component.katib.objects)} objects"
}
