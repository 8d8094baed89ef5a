// Speaks to an S3 endpoint by AWS's SDK for Go, version 2: main ENDPOINT BUCKET. Ends with status 1 and a line at the first answer that is not AWS's.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func must(err error, doing string) {
	if err != nil {
		fmt.Printf("%s: %v\n", doing, err)
		os.Exit(1)
	}
}

func require(good bool, format string, values ...any) {
	if !good {
		fmt.Printf(format+"\n", values...)
		os.Exit(1)
	}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func pattern(size int) []byte {
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(i*7 + i/251)
	}
	return out
}

func main() {
	ctx := context.Background()
	endpoint, bucket := os.Args[1], aws.String(os.Args[2])
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint), Region: "us-east-1", UsePathStyle: true,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // as its configuration files say where they say nothing
		Credentials:                credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	must(err, "CreateBucket")

	keys := []string{"plain", "with space+plus", "ünï/cödé", "a//b", "quo\"te&amp;", "%41", "semi;colon=x"}
	for _, key := range keys {
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader([]byte(key)),
			Metadata: map[string]string{"name": "value"}, ContentType: aws.String("text/x-key")})
		must(err, "PutObject "+key)
		got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		must(err, "GetObject "+key)
		body, err := io.ReadAll(got.Body) // compares the checksum
		must(err, "the body of "+key)
		require(string(body) == key, "%s came back as %q", key, body)
		require(got.Metadata["name"] == "value" && *got.ContentType == "text/x-key", "%s lost its headers", key)
		require(got.ChecksumCRC32 != nil, "%s has no CRC32, which this SDK sends", key)
	}
	seen := map[string]bool{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(err, "ListObjectsV2")
		for _, object := range page.Contents {
			require(!seen[*object.Key], "%s is listed twice", *object.Key)
			seen[*object.Key] = true
		}
	}
	for _, key := range keys {
		require(seen[key], "%s is not listed", key)
	}

	large := pattern(17<<20 + 3)
	_, err = manager.NewUploader(client, func(u *manager.Uploader) { u.PartSize = 5 << 20 }).Upload(ctx,
		&s3.PutObjectInput{Bucket: bucket, Key: aws.String("large"), Body: io.MultiReader(bytes.NewReader(large))})
	must(err, "Upload")
	buffer := manager.NewWriteAtBuffer(nil)
	_, err = manager.NewDownloader(client, func(d *manager.Downloader) { d.PartSize = 5 << 20 }).Download(ctx, buffer,
		&s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")})
	must(err, "Download")
	require(sha256.Sum256(buffer.Bytes()) == sha256.Sum256(large), "the large object came back changed")

	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("absent")})
	require(code(err) == "NoSuchKey", "GetObject of what is absent: %v", err)
	_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("absent")})
	require(code(err) == "NotFound", "HeadObject of what is absent: %v", err)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("plain"), IfNoneMatch: aws.String("*")})
	require(code(err) == "PreconditionFailed", "PutObject where one is: %v", err)
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	require(code(err) == "BucketNotEmpty", "DeleteBucket of a full one: %v", err)

	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("ünï/cödé")})
	must(err, "presign")
	response, err := http.Get(signed.URL)
	must(err, "the presigned address")
	body, _ := io.ReadAll(response.Body)
	require(response.StatusCode == 200 && string(body) == "ünï/cödé", "presigned: %d %s", response.StatusCode, body)

	var all []types.ObjectIdentifier
	for _, key := range append(keys, "large") {
		all = append(all, types.ObjectIdentifier{Key: aws.String(key)})
	}
	gone, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: all}})
	must(err, "DeleteObjects")
	require(len(gone.Deleted) == len(all) && len(gone.Errors) == 0, "DeleteObjects: %v", gone)
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	must(err, "DeleteBucket")
	fmt.Println("good")
}
