//go:build !fancy

package main

const byTag = "plain"
