variable "release" {
  description = "Kubeflow release."
  type        = string
}

variable "target" {
  description = "Kind of cluster: generic, gke or eks."
  type        = string
  default     = "generic"
}

variable "components" {
  description = "Components to install, with what they need; null installs what the release's own example does."
  type        = set(string)
  default     = null
}

variable "existing" {
  description = "Components that the cluster has already, such as cert-manager."
  type        = set(string)
  default     = null
}

variable "users" {
  description = "Local logins by e-mail address, with the profile that each owns. Their passwords are in password_hashes."
  type = map(object({
    profile       = optional(string)
    cluster_admin = optional(bool, false)
  }))
  default = {}
}

variable "password_hashes" {
  description = "bcrypt hash of each user's password, by e-mail address."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "oidc" {
  description = "Identity provider. Its client secret is in a Secret of namespace auth that somebody else makes."
  type = object({
    issuer            = string
    client_id         = string
    client_secret_ref = object({ name = string, key = string })
  })
  default = null
}

variable "hostname" {
  description = "DNS name of a public gateway; needs tls_secret_name or tls_issuer."
  type        = string
  default     = null

  validation {
    condition     = var.hostname == null || can(regex("^[a-z0-9.-]+$", var.hostname))
    error_message = "The hostname is a DNS name, such as kubeflow.example.com, without scheme or path."
  }
}

variable "external_url" {
  description = "Address under which people come when TLS ends in front of the gateway."
  type        = string
  default     = null
}

variable "tls_secret_name" {
  description = "Secret of type kubernetes.io/tls in namespace istio-system."
  type        = string
  default     = null
}

variable "tls_issuer" {
  description = "ClusterIssuer of cert-manager that signs the certificate."
  type        = string
  default     = null
}

variable "internal" {
  description = "Whether the load balancer has a private address (GKE, EKS)."
  type        = bool
  default     = false
}

variable "load_balancer_annotations" {
  description = "Annotations of the gateway's Service, for the cloud's load balancer."
  type        = map(string)
  default     = null
}

variable "storage_class" {
  description = "StorageClass of the platform's own volumes; null takes the cluster's default."
  type        = string
  default     = null
}

variable "image_mirrors" {
  description = "Registries to pull from instead, image prefix to image prefix."
  type        = map(string)
  default     = null
}

variable "namespace_labels" {
  description = "Labels for every namespace that the platform makes."
  type        = map(string)
  default     = null
}

variable "disposable" {
  description = "Whether a destroy may take users' work along."
  type        = bool
  default     = false
}
