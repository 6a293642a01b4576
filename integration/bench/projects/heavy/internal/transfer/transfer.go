// Package transfer is the mover's work: an inventory of what an account holds, copied to two others.
package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Inventory is what an account holds, by kind.
type Inventory map[string]int

// step counts one kind.
type step struct {
	kind  string
	count func(context.Context) (int, error)
}

func steps(account aws.Config) []step {
	return []step{
		{"buckets", func(ctx context.Context) (int, error) {
			out, err := s3.NewFromConfig(account).ListBuckets(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.Buckets), nil
		}},
		{"instances", func(ctx context.Context) (int, error) {
			out, err := ec2.NewFromConfig(account).DescribeInstances(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.Reservations), nil
		}},
		{"tables", func(ctx context.Context) (int, error) {
			out, err := dynamodb.NewFromConfig(account).ListTables(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.TableNames), nil
		}},
		{"clusters", func(ctx context.Context) (int, error) {
			out, err := ecs.NewFromConfig(account).ListClusters(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.ClusterArns), nil
		}},
		{"functions", func(ctx context.Context) (int, error) {
			out, err := lambda.NewFromConfig(account).ListFunctions(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.Functions), nil
		}},
		{"databases", func(ctx context.Context) (int, error) {
			out, err := rds.NewFromConfig(account).DescribeDBInstances(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.DBInstances), nil
		}},
		{"roles", func(ctx context.Context) (int, error) {
			out, err := iam.NewFromConfig(account).ListRoles(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.Roles), nil
		}},
		{"queues", func(ctx context.Context) (int, error) {
			out, err := sqs.NewFromConfig(account).ListQueues(ctx, nil)
			if err != nil {
				return 0, err
			}
			return len(out.QueueUrls), nil
		}},
	}
}

// Run takes the inventory and writes it to a bucket and a container.
func Run(ctx context.Context, log *slog.Logger) error {
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	inventory := Inventory{}
	for _, step := range steps(account) {
		count, err := step.count(ctx)
		if err != nil {
			return err
		}
		log.Info("counted", "kind", step.kind, "count", count)
		inventory[step.kind] = count
	}
	report, err := json.Marshal(inventory)
	if err != nil {
		return err
	}
	if err := toBucket(ctx, os.Getenv("MOVER_BUCKET"), report); err != nil {
		return err
	}
	return toContainer(ctx, os.Getenv("MOVER_ACCOUNT"), report)
}

func toBucket(ctx context.Context, bucket string, report []byte) error {
	client, err := storage.NewClient(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	writer := client.Bucket(bucket).Object("inventory.json").NewWriter(ctx)
	if _, err := writer.Write(report); err != nil {
		return err
	}
	return writer.Close()
}

func toContainer(ctx context.Context, account string, report []byte) error {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	client, err := azblob.NewClient(account, credential, nil)
	if err != nil {
		return err
	}
	_, err = client.UploadStream(ctx, "inventory", "inventory.json", bytes.NewReader(report), nil)
	return err
}
