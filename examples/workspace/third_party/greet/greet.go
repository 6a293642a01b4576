// Package greet stands for a fork that a replace directive brings in.
package greet

// Hello returns a greeting.
func Hello(name string) string { return "hello, " + name + " (from the fork)" }
