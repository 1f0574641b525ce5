public import Fabric
internal import Glibc
internal import SystemPackage

/// Bytes that follow from a seed and their place, so that none has to be in memory and a shifted one shows.
public struct PatternSource: EnvelopeSource {
    /// Their number.
    public let size: Int64
    /// What tells them from others.
    public let seed: UInt64

    /// So many bytes of this seed.
    public init(size: Int64, seed: UInt64) {
        self.size = size
        self.seed = seed
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = Int(max(0, min(Int64(buffer.count), size - offset)))
        var done = 0
        while done < count {
            let place = offset + Int64(done)
            var word = Self.word(UInt64(place / 8), seed).littleEndian
            let skipped = Int(place % 8)
            let part = min(8 - skipped, count - done)
            withUnsafeBytes(of: &word) { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + part)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[skipped..<(skipped + part)]))
            }
            done += part
        }
        return count
    }

    private static func word(_ index: UInt64, _ seed: UInt64) -> UInt64 {
        var word = (index &+ seed &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// All of them.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            count = (try? read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)) ?? 0
        }
    }

    /// An envelope of these bytes.
    public func envelope(_ name: ArrivalName) -> SealedEnvelope {
        SealedEnvelope(name: name, digest: digest, size: size) { () throws(SystemFailure) in self }
    }

    /// The SHA-256 of all of them.
    public var digest: Digest {
        var hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 8)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while let count = try? read(into: buffer, at: offset), count > 0 {
            hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            offset += Int64(count)
        }
        return hasher.finish()
    }
}

/// Zeros without end of memory.
struct ZeroSource: EnvelopeSource {
    let size: Int64

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = Int(max(0, min(Int64(buffer.count), size - offset)))
        if count > 0, let start = buffer.baseAddress { memset(start, 0, count) }
        return count
    }
}

/// Envelopes that are too large to be in memory, and whose digests are known: `head -c SIZE /dev/zero | sha256sum`.
enum BulkEnvelope {
    /// 256 MiB.
    static func bulk(_ name: ArrivalName) throws -> SealedEnvelope {
        try zeros(name, 268_435_456, "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484")
    }

    /// 4 GiB and one byte.
    static func beyond32Bits(_ name: ArrivalName) throws -> SealedEnvelope {
        try zeros(name, 4_294_967_297, "fbb82f7b353676bb562eb82157fcf0ea42c36492ca13ee56dbf82c08b6802c5c")
    }

    private static func zeros(_ name: ArrivalName, _ size: Int64, _ hex: String) throws -> SealedEnvelope {
        guard let digest = Digest(hex: hex) else { throw MissingPower("'\(hex)' is no digest") }
        return SealedEnvelope(name: name, digest: digest, size: size) { () throws(SystemFailure) in
            ZeroSource(size: size)
        }
    }
}

/// Bytes that cannot be read from a place on. Single bytes can be, because a carrier may look at the length that way.
struct FailingSource: EnvelopeSource {
    let inner: any EnvelopeSource
    let failsAt: Int64

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        guard buffer.count <= 1 || offset + Int64(buffer.count) <= failsAt else {
            throw SystemFailure("cannot read the envelope", .ioError)
        }
        return try inner.read(into: buffer, at: offset)
    }
}
