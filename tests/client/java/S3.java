// Speaks to an S3 endpoint by AWS's SDK for Java, version 2: S3 ENDPOINT BUCKET. Ends with status 1 and a line at the first answer that is not AWS's.

import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

public class S3 {
  static void require(boolean good, String what) {
    if (good) return;
    System.out.println(what);
    System.exit(1);
  }

  static String code(Runnable call) {
    try {
      call.run();
      return "";
    } catch (S3Exception e) {
      return e.awsErrorDetails().errorCode();
    } catch (CompletionException e) {
      return e.getCause() instanceof S3Exception s ? s.awsErrorDetails().errorCode() : e.toString();
    }
  }

  static byte[] pattern(int size) {
    byte[] out = new byte[size];
    for (int i = 0; i < size; i++) out[i] = (byte) (i * 7 + i / 251);
    return out;
  }

  static void keys(S3Client s3, String bucket) {
    List<String> keys = List.of("plain", "with space+plus", "ünï/cödé", "a//b", "quo\"te&amp;", "%41", "semi;colon=x");
    for (String key : keys) {
      s3.putObject(b -> b.bucket(bucket).key(key).metadata(Map.of("name", "value")).contentType("text/x-key"), RequestBody.fromString(key));
      ResponseBytes<GetObjectResponse> got = s3.getObjectAsBytes(b -> b.bucket(bucket).key(key));  // compares the checksum
      require(got.asUtf8String().equals(key), key + " came back as " + got.asUtf8String());
      require(got.response().metadata().equals(Map.of("name", "value")) && got.response().contentType().equals("text/x-key"), key + " lost its headers");
      HeadObjectResponse head = s3.headObject(b -> b.bucket(bucket).key(key).checksumMode(ChecksumMode.ENABLED));
      require(head.checksumCRC32() != null && head.checksumType() == ChecksumType.FULL_OBJECT, key + " has no CRC32, which this SDK sends");
    }
    List<String> listed = new ArrayList<>();
    s3.listObjectsV2Paginator(b -> b.bucket(bucket).maxKeys(2)).contents().forEach(o -> listed.add(o.key()));
    List<String> wanted = new ArrayList<>(keys);
    java.util.Collections.sort(wanted);
    require(listed.equals(wanted), "listed " + listed);
    DeleteObjectsResponse gone = s3.deleteObjects(b -> b.bucket(bucket).delete(d -> d.objects(keys.stream().map(k -> ObjectIdentifier.builder().key(k).build()).toList())));
    require(gone.deleted().size() == keys.size() && gone.errors().isEmpty(), "deleted " + gone);
  }

  static void checksums(S3Client s3, String bucket) {
    byte[] body = pattern(300_000);
    for (ChecksumAlgorithm algorithm : List.of(ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32_C, ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256)) {
      s3.putObject(b -> b.bucket(bucket).key("sum").checksumAlgorithm(algorithm), RequestBody.fromBytes(body));
      require(Arrays.equals(s3.getObjectAsBytes(b -> b.bucket(bucket).key("sum")).asByteArray(), body), "the body by " + algorithm);
      GetObjectAttributesResponse told = s3.getObjectAttributes(b -> b.bucket(bucket).key("sum").objectAttributes(ObjectAttributes.CHECKSUM, ObjectAttributes.OBJECT_SIZE));
      require(told.checksum().checksumType() == ChecksumType.FULL_OBJECT && told.objectSize() == body.length, "the attributes by " + algorithm);
    }
    // A stream whose length is known, which can't be read twice: signed chunk by chunk with its checksum behind.
    InputStream once = new java.io.ByteArrayInputStream(body) {
      @Override
      public boolean markSupported() {
        return false;
      }
    };
    s3.putObject(b -> b.bucket(bucket).key("stream"), RequestBody.fromInputStream(once, body.length));
    require(Arrays.equals(s3.getObjectAsBytes(b -> b.bucket(bucket).key("stream")).asByteArray(), body), "the stream");
    require(s3.getObjectAsBytes(b -> b.bucket(bucket).key("stream").range("bytes=10-19")).asByteArray().length == 10, "a range");
  }

  static void conditions(S3Client s3, String bucket) {
    String etag = s3.putObject(b -> b.bucket(bucket).key("once").ifNoneMatch("*"), RequestBody.fromString("1")).eTag();
    require(code(() -> s3.putObject(b -> b.bucket(bucket).key("once").ifNoneMatch("*"), RequestBody.fromString("2"))).equals("PreconditionFailed"), "If-None-Match");
    require(code(() -> s3.deleteObject(b -> b.bucket(bucket).key("once").ifMatch("\"0\""))).equals("PreconditionFailed"), "If-Match of a delete");
    s3.copyObject(b -> b.sourceBucket(bucket).sourceKey("once").destinationBucket(bucket).destinationKey("ünï copy"));
    require(s3.headObject(b -> b.bucket(bucket).key("ünï copy")).eTag().equals(etag), "the copy's ETag");
    s3.deleteObject(b -> b.bucket(bucket).key("once").ifMatch(etag));
    require(code(() -> s3.getObjectAsBytes(b -> b.bucket(bucket).key("once"))).equals("NoSuchKey"), "NoSuchKey");
    require(code(() -> s3.getObjectAsBytes(b -> b.bucket(bucket + "-absent").key("k"))).equals("NoSuchBucket"), "NoSuchBucket");
    try {
      s3.headBucket(b -> b.bucket(bucket + "-absent"));
      require(false, "a bucket that is absent was there");
    } catch (NoSuchBucketException e) {
      require(e.statusCode() == 404, "the status of an absent bucket");
    }
  }

  static void parts(S3AsyncClient s3, String bucket) {
    byte[] large = pattern(20 << 20);
    s3.putObject(b -> b.bucket(bucket).key("large"), AsyncRequestBody.fromBytes(large)).join();  // in parts, by the SDK itself
    HeadObjectResponse head = s3.headObject(b -> b.bucket(bucket).key("large").checksumMode(ChecksumMode.ENABLED)).join();
    require(head.eTag().matches("\"[0-9a-f]{32}-3\""), "the large object has the ETag " + head.eTag());
    require(head.checksumCRC32() != null, "the large object has no CRC32");
    require(Arrays.equals(s3.getObject(b -> b.bucket(bucket).key("large"), AsyncResponseTransformer.toBytes()).join().asByteArray(), large), "the large object");
    s3.copyObject(b -> b.sourceBucket(bucket).sourceKey("large").destinationBucket(bucket).destinationKey("large copy")).join();  // by UploadPartCopy
    require(Arrays.equals(s3.getObject(b -> b.bucket(bucket).key("large copy"), AsyncResponseTransformer.toBytes()).join().asByteArray(), large), "the large copy");
    require(s3.listMultipartUploads(b -> b.bucket(bucket)).join().uploads().isEmpty(), "uploads are left over");
  }

  static int status(URL url, String method, byte[] body, Map<String, List<String>> headers) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) url.openConnection();
    connection.setRequestMethod(method);
    headers.forEach((name, values) -> {
      if (!name.equalsIgnoreCase("host")) connection.setRequestProperty(name, values.get(0));
    });
    if (body != null) {
      connection.setDoOutput(true);
      connection.getOutputStream().write(body);
    }
    return connection.getResponseCode();
  }

  public static void main(String[] words) throws Exception {
    URI endpoint = URI.create(words[0]);
    String bucket = words[1];
    var keys = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    try (S3Client s3 = S3Client.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys).forcePathStyle(true).build();
         S3AsyncClient async = S3AsyncClient.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys).forcePathStyle(true)
                 .multipartEnabled(true).multipartConfiguration(c -> c.minimumPartSizeInBytes(8L << 20).thresholdInBytes(8L << 20)).build();
         S3Presigner presigner = S3Presigner.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys)
                 .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
      s3.createBucket(b -> b.bucket(bucket));
      s3.waiter().waitUntilBucketExists(b -> b.bucket(bucket));
      keys(s3, bucket);
      checksums(s3, bucket);
      conditions(s3, bucket);
      parts(async, bucket);
      var put = presigner.presignPutObject(p -> p.signatureDuration(Duration.ofMinutes(1)).putObjectRequest(b -> b.bucket(bucket).key("presigned ü")));
      require(status(put.url(), "PUT", "signed".getBytes(StandardCharsets.UTF_8), put.signedHeaders()) == 200, "a presigned PUT");
      var get = presigner.presignGetObject(p -> p.signatureDuration(Duration.ofMinutes(1)).getObjectRequest(b -> b.bucket(bucket).key("presigned ü")));
      require(status(get.url(), "GET", null, new HashMap<>()) == 200, "a presigned GET");
      s3.putBucketVersioning(b -> b.bucket(bucket).versioningConfiguration(v -> v.status(BucketVersioningStatus.ENABLED)));
      String version = s3.putObject(b -> b.bucket(bucket).key("v"), RequestBody.fromString("1")).versionId();
      s3.putObject(b -> b.bucket(bucket).key("v"), RequestBody.fromString("2"));
      require(s3.getObjectAsBytes(b -> b.bucket(bucket).key("v").versionId(version)).asUtf8String().equals("1"), "an old version");
      require(s3.listObjectVersionsPaginator(b -> b.bucket(bucket).prefix("v")).versions().stream().count() == 2, "the versions");
    }
    System.out.println("good");
  }
}
