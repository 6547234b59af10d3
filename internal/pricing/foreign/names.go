package foreign

// aliases are lakegate's names of a provider, where they differ from those of a foreign list.
func aliases(name string) []string {
	switch name {
	case "aws":
		return []string{"amazon-bedrock"}
	case "google":
		return []string{"google-gemini", "google-cloud-vertex-ai"}
	case "x-ai":
		return []string{"xai"}
	default:
		return nil
	}
}
