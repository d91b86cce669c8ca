# A Kubeflow platform with the choices that a team usually has to make; everything else keeps the
# provider's defaults. The caller configures the provider.

terraform {
  required_version = ">= 1.5"

  required_providers {
    kubeflow = {
      source = "mlops8020/kubeflow"
    }
  }
}

locals {
  # TLS ends at the gateway with a hostname, in front of it with an external URL, and otherwise people
  # come through a port-forwarding.
  public = var.hostname != null
}

resource "kubeflow_platform" "this" {
  release    = var.release
  target     = var.target
  components = var.components
  existing   = var.existing

  users = length(var.users) > 0 ? {
    for email, user in var.users : email => {
      password_hash = var.password_hashes[email]
      profile       = user.profile
      cluster_admin = user.cluster_admin
    }
  } : null

  oidc = var.oidc == null ? null : {
    issuer            = var.oidc.issuer
    client_id         = var.oidc.client_id
    client_secret_ref = var.oidc.client_secret_ref
  }

  gateway = {
    service_type = local.public ? "LoadBalancer" : "ClusterIP"
    internal     = local.public && var.internal ? true : null
    annotations  = local.public ? var.load_balancer_annotations : null
    hostname     = var.hostname
    external_url = var.external_url
    tls          = local.public ? { secret_name = var.tls_secret_name, issuer = var.tls_issuer } : null
  }

  storage = var.storage_class == null ? null : {
    class_name = var.storage_class
  }

  image_mirrors    = var.image_mirrors
  namespace_labels = var.namespace_labels

  on_destroy = {
    crds      = var.disposable ? "delete" : "if_unused"
    user_data = var.disposable ? "delete" : "refuse"
  }
}
