//go:build unix && !arm64

package main

const byConstraint = "unix, not arm64"
