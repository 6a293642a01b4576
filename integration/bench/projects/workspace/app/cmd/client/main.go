// Command client writes records and lists them.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"

	"example.com/workspace/app/internal/wire"
)

func main() {
	root := &cobra.Command{Use: "client", SilenceUsage: true}
	root.AddCommand(put(), list())
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func connect() (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{wire.Address}, DialTimeout: time.Second})
}

func put() *cobra.Command {
	return &cobra.Command{
		Use:  "put NAME OWNER",
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			client, err := connect()
			if err != nil {
				return err
			}
			defer client.Close()
			text, err := wire.Record{Name: args[0], Owner: args[1]}.Encode()
			if err != nil {
				return err
			}
			_, err = client.Put(command.Context(), wire.Prefix+args[0], text)
			return err
		},
	}
}

func list() *cobra.Command {
	return &cobra.Command{
		Use:  "list",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			client, err := connect()
			if err != nil {
				return err
			}
			defer client.Close()
			answer, err := client.Get(command.Context(), wire.Prefix, clientv3.WithPrefix())
			if err != nil {
				return err
			}
			for _, pair := range answer.Kvs {
				fmt.Println(string(pair.Value))
			}
			return nil
		},
	}
}
