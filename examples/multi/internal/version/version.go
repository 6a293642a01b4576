// Package version holds what the build stamps in.
package version

// Version is set at link time.
var Version = "unset"
