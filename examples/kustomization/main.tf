# A kustomization of one's own, here examples/sample, installed and kept as a component of a release
# would be: whatever `kustomize build` renders can stand in its place.

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

provider "kubeflow" {
  config_path = var.config_path
}

resource "kubeflow_component" "sample" {
  name = "sample"
  path = "${path.module}/../sample//example"

  # two replicas instead of what the kustomization says
  patches = [
    {
      target = { kind = "Deployment", name = "widgets-operator" }
      patch  = <<-YAML
        - op: replace
          path: /spec/replicas
          value: 2
      YAML
    },
  ]
}

output "sample" {
  description = "Number of objects it consists of."
  value       = "${length(kubeflow_component.sample.objects)} objects"
}
