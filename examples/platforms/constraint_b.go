//go:build unix && arm64

package main

const byConstraint = "unix on arm64"
