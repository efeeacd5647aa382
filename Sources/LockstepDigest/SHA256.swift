import CCrypto

/// SHA-256 (FIPS 180-4), computed by OpenSSL's libcrypto.
///
/// Bytes may be added in pieces of any size; the digest covers their concatenation.
package struct SHA256: ~Copyable {
    /// OpenSSL's `EVP_MD_CTX`, owned.
    private let context: OpaquePointer

    /// Starts an empty digest.
    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            fatalError("libcrypto cannot start a SHA-256 digest: out of memory, or its configuration forbids it")
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// The digest of `bytes`.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        var digest = SHA256()
        digest.update(bytes)
        return digest.finalize()
    }

    /// Adds `bytes` to the digest.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            fatalError("libcrypto failed to update a SHA-256 digest")
        }
    }

    /// Finishes the digest.
    package consuming func finalize() -> SHA256Digest {
        withUnsafeTemporaryAllocation(byteCount: SHA256Digest.byteCount, alignment: 8) { output in
            guard EVP_DigestFinal_ex(context, output.baseAddress, nil) == 1,
                let digest = SHA256Digest(bytes: UnsafeRawBufferPointer(output))
            else { fatalError("libcrypto failed to finish a SHA-256 digest") }
            return digest
        }
    }
}
