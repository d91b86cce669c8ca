output "id" {
  description = "Namespace and name of the ConfigMap that records the installation."
  value       = kubeflow_platform.this.id
}

output "url" {
  description = "Where people log in; null while only port-forwarding leads there."
  value       = kubeflow_platform.this.url
}

output "gateway_address" {
  description = "Address of the load balancer, for a DNS record; null without one."
  value       = kubeflow_platform.this.gateway_address
}

output "versions" {
  description = "What is installed."
  value       = { for name, component in kubeflow_platform.this.components_resolved : name => component.version }
}

output "webhook_ports" {
  description = "Ports that the control plane must reach on nodes; for the firewall of a private cluster."
  value       = kubeflow_platform.this.webhook_ports
}
