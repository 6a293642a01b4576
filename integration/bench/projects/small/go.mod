module example.com/small

go 1.26.0

toolchain go1.26.8

require (
	github.com/google/uuid v1.6.0
	github.com/hashicorp/go-version v1.9.0
	gopkg.in/yaml.v3 v3.0.1
)
