"""KMS as boto3 sees it."""

import base64
import datetime
import json
import os
import subprocess
import urllib.request

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def kms(tarn):
    return tarn.client("kms")


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def create(kms, **arguments):
    return kms.create_key(**arguments)["KeyMetadata"]


def test_a_key_is_described_as_it_was_created(kms):
    made = create(kms, Description="d", Tags=[{"TagKey": "team", "TagValue": "lake"}], MultiRegion=True)
    assert made["KeyId"].startswith("mrk-") and made["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    key = create(kms, Description="d", Tags=[{"TagKey": "team", "TagValue": "lake"}])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == kms.describe_key(KeyId=key["Arn"])["KeyMetadata"] == key
    assert key["KeyState"] == "Enabled" and key["Enabled"] and key["KeyManager"] == "CUSTOMER" and key["Origin"] == "AWS_KMS"
    assert key["KeySpec"] == key["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT" and key["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "team", "TagValue": "lake"}]
    kms.update_key_description(KeyId=key["KeyId"], Description="other")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] == "other"
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "a", "TagValue": ""}, {"TagKey": "team", "TagValue": "x"}])
    kms.untag_resource(KeyId=key["KeyId"], TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "team", "TagValue": "x"}]
    assert code(kms.tag_resource, KeyId=key["KeyId"], Tags=[{"TagKey": "aws:x", "TagValue": ""}]) == "TagException"


def test_keys_that_are_not_there(kms):
    assert code(kms.describe_key, KeyId="nonsense") == "NotFoundException"
    assert code(kms.describe_key, KeyId="12345678-1234-1234-1234-123456789012") == "NotFoundException"
    assert code(kms.describe_key, KeyId="alias/nothing") == "NotFoundException"
    assert code(kms.describe_key, KeyId="arn:aws:kms:eu-west-1:000000000000:key/12345678-1234-1234-1234-123456789012") == "NotFoundException"
    assert code(kms.describe_key, KeyId="arn:aws:sqs:us-east-1:000000000000:q") == "InvalidArnException"
    assert code(kms.create_key, KeySpec="RSA_2048") == "ValidationException"
    assert code(kms.create_key, KeySpec="ECC_NIST_P256", KeyUsage="ENCRYPT_DECRYPT") == "ValidationException"
    assert code(kms.create_key, KeySpec="ML_KEM_512", KeyUsage="ENCAPSULATE_DECAPSULATE") == "NotImplemented"
    assert code(kms.create_key, Policy="{}") == "MalformedPolicyDocumentException"


def test_pages_of_keys(kms):
    made = {create(kms)["KeyId"] for _ in range(5)}
    seen = [k["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}) for k in page["Keys"]]
    assert made <= set(seen) and len(seen) == len(set(seen))
    assert code(kms.list_keys, Marker="!!") == "InvalidMarkerException"


def test_aliases(kms):
    one, two = create(kms), create(kms)
    kms.create_alias(AliasName="alias/test/one", TargetKeyId=one["Arn"])
    assert code(kms.create_alias, AliasName="alias/test/one", TargetKeyId=two["KeyId"]) == "AlreadyExistsException"
    assert code(kms.create_alias, AliasName="test", TargetKeyId=two["KeyId"]) == "ValidationException"
    assert code(kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=two["KeyId"]) == "NotAuthorizedException"
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/test/one"
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyId"] == one["KeyId"]
    listed = kms.list_aliases(KeyId=one["KeyId"])["Aliases"]
    assert [(a["AliasName"], a["AliasArn"], a["TargetKeyId"]) for a in listed] == [("alias/test/one", arn, one["KeyId"])]
    blob = kms.encrypt(KeyId="alias/test/one", Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName="alias/test/one", TargetKeyId=two["KeyId"])
    assert kms.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == two["Arn"]
    assert code(kms.decrypt, CiphertextBlob=blob, KeyId="alias/test/one") == "IncorrectKeyException"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    signing = create(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert code(kms.update_alias, AliasName="alias/test/one", TargetKeyId=signing["KeyId"]) == "ValidationException"
    kms.delete_alias(AliasName="alias/test/one")
    assert code(kms.delete_alias, AliasName="alias/test/one") == "NotFoundException"
    managed = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS" and kms.get_key_rotation_status(KeyId=managed["KeyId"])["KeyRotationEnabled"]
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"] == managed
    assert code(kms.disable_key, KeyId=managed["KeyId"]) == "AccessDeniedException"
    assert "alias/aws/s3" in [a["AliasName"] for a in kms.list_aliases()["Aliases"]]


def test_encrypt_and_decrypt(kms):
    key = create(kms)
    for plain in (b"a secret of its own", b"\0" * 4096):
        blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=plain, EncryptionContext={"a": "1", "b": "2"})
        assert blob["KeyId"] == key["Arn"] and blob["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT" and plain not in blob["CiphertextBlob"]
        opened = kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
        assert (opened["Plaintext"], opened["KeyId"]) == (plain, key["Arn"])
    with pytest.raises(Exception):
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 4097)
    assert code(kms.decrypt, CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"a": "1"}) == "InvalidCiphertextException"
    assert code(kms.decrypt, CiphertextBlob=b"junk") == "InvalidCiphertextException"
    assert code(kms.decrypt, CiphertextBlob=blob["CiphertextBlob"], KeyId=create(kms)["KeyId"]) == "IncorrectKeyException"
    assert code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x", DryRun=True) == "DryRunOperationException"
    assert code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x", GrantTokens=["AAAA"]) == "InvalidGrantTokenException"
    other = create(kms)
    moved = kms.re_encrypt(CiphertextBlob=blob["CiphertextBlob"], SourceEncryptionContext={"a": "1", "b": "2"}, DestinationKeyId=other["Arn"])
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key["Arn"], other["Arn"])
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == plain


def test_states(kms):
    key = create(kms)["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert code(kms.encrypt, KeyId=key, Plaintext=b"x") == code(kms.decrypt, CiphertextBlob=blob) == "DisabledException"
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert code(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=6) == "ValidationException"
    going = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert going["KeyState"] == "PendingDeletion" and going["PendingWindowInDays"] == 7
    assert going["DeletionDate"] - datetime.datetime.now(datetime.timezone.utc) > datetime.timedelta(days=6.9)
    for call, more in ((kms.encrypt, {"Plaintext": b"x"}), (kms.enable_key, {}), (kms.schedule_key_deletion, {}), (kms.enable_key_rotation, {})):
        assert code(call, KeyId=key, **more) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert described["KeyState"] == "Disabled" and "DeletionDate" not in described


def test_the_clock_deletes_and_rotates(own_tarn):
    tarn = own_tarn("--clock", "manual")

    def advance(days):
        urllib.request.urlopen(urllib.request.Request(tarn.endpoint + "/_tarn/clock", json.dumps({"advance_ms": days * 86_400_000}).encode(), method="POST"))

    kms = tarn.client("kms")
    gone, kept = create(kms)["KeyId"], create(kms)["KeyId"]
    kms.create_alias(AliasName="alias/gone", TargetKeyId=gone)
    kms.enable_key_rotation(KeyId=kept, RotationPeriodInDays=90)
    blob = kms.encrypt(KeyId=kept, Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    tarn.stop()  # sealed keys come back
    tarn.start()
    kms = tarn.client("kms")
    advance(8)
    # A manual clock starts anew at the system's time, so the window counts from there.
    assert code(kms.describe_key, KeyId=gone) == "NotFoundException"
    assert kms.list_aliases()["Aliases"] == []
    advance(90)
    assert [r["RotationType"] for r in kms.list_key_rotations(KeyId=kept)["Rotations"]] == ["AUTOMATIC"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_rotation(kms):
    key = create(kms)["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    status = kms.get_key_rotation_status(KeyId=key)
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 100 and status["NextRotationDate"]
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    kms.rotate_key_on_demand(KeyId=key)
    second = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert first != second
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"])["KeyMaterialId"] == second
    rotations = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(r["KeyMaterialId"], r["KeyMaterialState"]) for r in rotations] == [(first, "NON_CURRENT"), (second, "CURRENT")]
    assert code(kms.enable_key_rotation, KeyId=create(kms, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyId"]) == "UnsupportedOperationException"


def test_data_keys(kms):
    key = create(kms)
    for arguments, size in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)):
        made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext={"c": "d"}, **arguments)
        assert len(made["Plaintext"]) == size
        assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"c": "d"})["Plaintext"] == made["Plaintext"]
        bare = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **arguments)
        assert "Plaintext" not in bare and len(kms.decrypt(CiphertextBlob=bare["CiphertextBlob"])["Plaintext"]) == size
    assert code(kms.generate_data_key, KeyId=key["KeyId"]) == "ValidationException"
    assert code(kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256", NumberOfBytes=32) == "ValidationException"
    pair = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256")
    assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]
    assert "PrivateKeyPlaintext" not in kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec="RSA_2048")
    assert len(kms.generate_random(NumberOfBytes=77)["Plaintext"]) == 77
    assert code(kms.generate_random) == "ValidationException"


def test_signatures(kms):
    for spec in ("RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"):
        key = create(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")
        public = kms.get_public_key(KeyId=key["KeyId"])
        assert public["SigningAlgorithms"] == key["SigningAlgorithms"] and public["PublicKey"]
        for algorithm in key["SigningAlgorithms"]:
            signed = kms.sign(KeyId=key["KeyId"], Message=b"message", SigningAlgorithm=algorithm)
            verify = {"KeyId": key["KeyId"], "SigningAlgorithm": algorithm, "Signature": signed["Signature"]}
            assert kms.verify(Message=b"message", **verify)["SignatureValid"]
            assert code(kms.verify, Message=b"another", **verify) == "KMSInvalidSignatureException"
    assert code(kms.sign, KeyId=key["KeyId"], Message=b"m", SigningAlgorithm="ECDSA_SHA_256") == "InvalidKeyUsageException"
    assert code(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"m") == "InvalidKeyUsageException"
    assert code(kms.get_public_key, KeyId=create(kms)["KeyId"]) == "UnsupportedOperationException"


def test_asymmetric_encryption_and_agreement(kms):
    key = create(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["Plaintext"] == b"x"
    assert code(kms.decrypt, KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_1") == "InvalidCiphertextException"
    assert code(kms.encrypt, KeyId=key, Plaintext=b"x") == "InvalidKeyUsageException"
    one, two = (create(kms, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyId"] for _ in range(2))
    secrets = [kms.derive_shared_secret(KeyId=a, KeyAgreementAlgorithm="ECDH", PublicKey=kms.get_public_key(KeyId=b)["PublicKey"])["SharedSecret"]
               for a, b in ((one, two), (two, one))]
    assert secrets[0] == secrets[1] and len(secrets[0]) == 32


def test_macs(kms):
    for bits in (224, 256, 384, 512):
        key = create(kms, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
        arguments = {"KeyId": key, "MacAlgorithm": f"HMAC_SHA_{bits}"}
        mac = kms.generate_mac(Message=b"m", **arguments)["Mac"]
        assert len(mac) == bits // 8 and kms.verify_mac(Message=b"m", Mac=mac, **arguments)["MacValid"]
        assert code(kms.verify_mac, Message=b"n", Mac=mac, **arguments) == "KMSInvalidMacException"


def test_policies(kms):
    key = create(kms)["KeyId"]
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == policy
    assert code(kms.put_key_policy, KeyId=key, PolicyName="other", Policy=policy) == "NotFoundException"
    assert code(kms.put_key_policy, KeyId=key, Policy="{") == "MalformedPolicyDocumentException"


def test_grants(kms):
    key = create(kms)["KeyId"]
    grantee, retiring = (f"arn:aws:iam::{ACCOUNT}:role/{n}" for n in ("grantee", f"retiring-{os.getpid()}"))
    given = {"KeyId": key, "GranteePrincipal": grantee, "RetiringPrincipal": retiring, "Operations": ["Decrypt", "Encrypt"], "Name": "g",
             "Constraints": {"EncryptionContextSubset": {"a": "b"}}}
    made = kms.create_grant(**given)
    assert kms.create_grant(**given)["GrantId"] == made["GrantId"]
    others = [kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])["GrantId"] for _ in range(3)]
    pages = kms.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 2})
    listed = {g["GrantId"]: g for page in pages for g in page["Grants"]}
    assert set(listed) == {made["GrantId"], *others}
    grant = listed[made["GrantId"]]
    assert grant["Constraints"] == given["Constraints"] and grant["Operations"] == ["Decrypt", "Encrypt"] and grant["GranteePrincipal"] == grantee
    assert [g["GrantId"] for g in kms.list_retirable_grants(RetiringPrincipal=retiring)["Grants"]] == [made["GrantId"]]
    kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    kms.retire_grant(GrantToken=made["GrantToken"])
    kms.revoke_grant(KeyId=key, GrantId=others[0])
    assert code(kms.revoke_grant, KeyId=key, GrantId=others[0]) == "NotFoundException"
    assert {g["GrantId"] for g in kms.list_grants(KeyId=key)["Grants"]} == set(others[1:])
    assert code(kms.create_grant, KeyId=key, GranteePrincipal=grantee, Operations=["Sign"]) == "ValidationException"


def test_imported_material(kms, tmp_path):
    key = create(kms, Origin="EXTERNAL")["KeyId"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    assert code(kms.encrypt, KeyId=key, Plaintext=b"x") == "KMSInvalidStateException"

    def put(material):
        given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
        (tmp_path / "public.der").write_bytes(given["PublicKey"])
        wrapped = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", str(tmp_path / "public.der"),
                                  "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"],
                                 input=material, capture_output=True, check=True).stdout
        kms.import_key_material(KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=wrapped, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")

    material = os.urandom(32)
    put(material)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    assert code(kms.decrypt, CiphertextBlob=blob) == "KMSInvalidStateException"
    with pytest.raises(ClientError, match="IncorrectKeyMaterialException"):
        put(os.urandom(32))
    put(material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_is_sealed_on_disk(own_tarn):
    tarn = own_tarn()
    kms = tarn.client("kms")
    plain = kms.generate_data_key(KeyId=create(kms)["KeyId"], KeySpec="AES_256")["Plaintext"]
    tarn.stop()
    files = [f for f in tarn.data_dir.rglob("*") if f.is_file()]
    ring = tarn.data_dir / "keys" / "key-encryption-keys"
    assert ring in files and ring.stat().st_mode & 0o777 == 0o600
    for file in files:
        held = file.read_bytes()
        assert plain not in held and base64.b64encode(plain) not in held
    ring.unlink()
    with pytest.raises(RuntimeError, match="key-encryption"):
        tarn.start()
