# Workspaces for two teams on a platform that is installed already: one with GPUs and an identity in
# Google's cloud, one whose contributors are left to the dashboard.

terraform {
  required_version = ">= 1.5"

  required_providers {
    kubeflow = {
      source = "mlops8020/kubeflow"
    }
  }
}

variable "config_path" {
  description = "Path of the kubeconfig file of the cluster that Kubeflow runs in."
  type        = string
}

variable "owner" {
  description = "User who owns the workspaces, as the login names them."
  type        = string
}

variable "members" {
  description = "Users of the vision team, with what they may do: edit, view or admin."
  type        = map(string)
  default     = {}
}

provider "kubeflow" {
  config_path = var.config_path
}

resource "kubeflow_profile" "vision" {
  name         = "vision"
  owner        = var.owner
  contributors = [for user, role in var.members : { user = user, role = role }]

  resource_quota = {
    cpu                       = "32"
    memory                    = "128Gi"
    "requests.nvidia.com/gpu" = "2"
    persistentvolumeclaims    = "20"
  }

  plugins = [
    {
      kind = "WorkloadIdentity"
      spec = jsonencode({ gcpServiceAccount = "vision@my-project.iam.gserviceaccount.com" })
    },
  ]
}

resource "kubeflow_profile" "sandbox" {
  name  = "sandbox"
  owner = var.owner

  # a destroy takes what is in it along
  on_destroy = { user_data = "delete" }
}

output "namespaces" {
  description = "Where the teams work."
  value       = [kubeflow_profile.vision.name, kubeflow_profile.sandbox.name]
}
