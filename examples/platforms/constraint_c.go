//go:build windows

package main

const byConstraint = "windows"
