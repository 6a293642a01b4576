// Package wire is what both programs know: where the store is and what is kept in it.
package wire

import "encoding/json"

// Address is where the server listens.
const Address = "http://127.0.0.1:2379"

// Prefix is that of all keys.
const Prefix = "/workspace/"

// Record is a value in the store.
type Record struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
}

// Encode returns the record as it is stored.
func (r Record) Encode() (string, error) {
	text, err := json.Marshal(r)
	return string(text), err
}
