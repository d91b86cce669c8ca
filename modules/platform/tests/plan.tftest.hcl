# Plans need no cluster.

provider "kubeflow" {
  host  = "https://127.0.0.1:1"
  token = "none"
}

variables {
  release         = "1.10.2"
  components      = ["katib", "dex", "user-namespace"]
  users           = { "ml@example.com" = { profile = "ml" } }
  password_hashes = { "ml@example.com" = "$2b$12$6xyCvMGpOTZmBsGQVXdO1OnOq2kzXz5kLhFzWn5tDzr1YNnHZ8yH6" }
}

run "inside_the_cluster" {
  command = plan

  assert {
    condition     = kubeflow_platform.this.gateway.service_type == "ClusterIP"
    error_message = "Without a hostname the gateway isn't public."
  }

  assert {
    condition     = contains(keys(output.versions), "cert-manager")
    error_message = "What a component needs is added."
  }
}

run "public" {
  command = plan

  variables {
    hostname        = "kubeflow.example.com"
    tls_secret_name = "kubeflow-example-com"
  }

  assert {
    condition     = kubeflow_platform.this.gateway.service_type == "LoadBalancer"
    error_message = "A hostname asks for a load balancer."
  }

  assert {
    condition     = output.url == "https://kubeflow.example.com"
    error_message = "People log in at the hostname."
  }
}

run "a_url_is_no_hostname" {
  command         = plan
  expect_failures = [var.hostname]

  variables {
    hostname        = "https://kubeflow.example.com"
    tls_secret_name = "kubeflow-example-com"
  }
}
