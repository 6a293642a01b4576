//go:build fancy

package main

const byTag = "fancy"
