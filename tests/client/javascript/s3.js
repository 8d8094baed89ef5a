// Speaks to an S3 endpoint by AWS's SDK for JavaScript, version 3: node s3.js ENDPOINT BUCKET. Fails at the first answer that is not AWS's.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const [endpoint, Bucket] = process.argv.slice(2);
const client = new s3.S3Client({
  endpoint, region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId: "test", secretAccessKey: "test" }, maxAttempts: 1,
});
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

await client.send(new s3.CreateBucketCommand({ Bucket }));
await s3.waitUntilBucketExists({ client, maxWaitTime: 10 }, { Bucket });

const keys = ["plain", "with space+plus", "ünï/cödé", "a//b", 'quo"te&amp;', "%41", "semi;colon=x"];
for (const Key of keys) {
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { name: "value" }, ContentType: "text/x-key" }));
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
  assert.equal(await got.Body.transformToString(), Key); // compares the checksum
  assert.equal(got.Metadata.name, "value");
  assert.equal(got.ContentType, "text/x-key");
  assert.ok(got.ChecksumCRC32, `${Key} has no CRC32, which this SDK sends`);
}
const listed = [];
for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) listed.push(...page.Contents.map((o) => o.Key));
assert.deepEqual([...listed].sort(), [...keys].sort());

// A stream of unknown length goes in parts, each with a checksum in its trailer.
const large = Buffer.alloc(17 * 1024 * 1024 + 3, "0123456789abcdef!");
const pieces = function* () { for (let i = 0; i < large.length; i += 1000003) yield large.subarray(i, i + 1000003); };
await new Upload({ client, params: { Bucket, Key: "large", Body: Readable.from(pieces()) }, partSize: 5 * 1024 * 1024, queueSize: 3 }).done();
const back = await client.send(new s3.GetObjectCommand({ Bucket, Key: "large" }));
assert.equal(hash(await back.Body.transformToByteArray()), hash(large));
const piece = await client.send(new s3.GetObjectCommand({ Bucket, Key: "large", Range: "bytes=5242878-5242890" }));
assert.equal(await piece.Body.transformToString(), large.subarray(5242878, 5242891).toString());
assert.equal(piece.ContentRange, `bytes 5242878-5242890/${large.length}`);
const attributes = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "large", PartNumber: 2 }));
assert.equal(attributes.PartsCount, 4);
assert.equal(attributes.ContentLength, 5 * 1024 * 1024);

const fails = (command, name) => assert.rejects(client.send(command), (e) => (assert.equal(e.name, name), true));
await fails(new s3.GetObjectCommand({ Bucket, Key: "absent" }), "NoSuchKey");
await fails(new s3.HeadObjectCommand({ Bucket, Key: "absent" }), "NotFound");
await fails(new s3.PutObjectCommand({ Bucket, Key: "plain", Body: "x", IfNoneMatch: "*" }), "PreconditionFailed");
await fails(new s3.DeleteBucketCommand({ Bucket }), "BucketNotEmpty");
await fails(new s3.ListObjectsV2Command({ Bucket: `${Bucket}-absent` }), "NoSuchBucket");

const copied = await client.send(new s3.CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("ünï/cödé")}` }));
assert.equal(copied.CopyObjectResult.ETag, `"${createHash("md5").update("ünï/cödé").digest("hex")}"`);
const gone = await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [...keys, "large", "copy"].map((Key) => ({ Key })) } }));
assert.equal(gone.Deleted.length, keys.length + 2);
await client.send(new s3.DeleteBucketCommand({ Bucket }));
console.log("good");
