// Command list prints a list as YAML.
package main

import (
	"gopkg.in/yaml.v3"

	"example.com/small/internal/shared"
)

func main() {
	text, err := yaml.Marshal([]string{"one", "two", "three"})
	shared.Say("list", string(text), err)
}
