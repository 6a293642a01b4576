// Package store is shared by the modules of the workspace.
package store

import "github.com/google/uuid"

var space = uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")

// Key returns the stable key of a name.
func Key(name string) string { return uuid.NewSHA1(space, []byte(name)).String() }
