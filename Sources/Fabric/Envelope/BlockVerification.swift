internal import Dispatch
internal import Synchronization

extension EnvelopeFile {
    /// Verifies every block on all cores: length, digest, signature, and `content_digest` over all of them (step 12 of
    /// `envelope.md`, section 10.2, and `cep.md`, section 6.2).
    ///
    /// Memory is one small buffer per core, whatever the size of the blocks.
    ///
    /// - Parameter progress: Told the number of bytes verified so far, from any thread.
    /// - Returns: Every fault, and the digests as they were computed.
    public func verifyBlocks(progress: ProgressSink = .none) throws(EnvelopeError) -> BlockFindings {
        let shared = Mutex(VerificationState())
        let workers = min(Cores.workers, manifest.blocks.count)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let buffer = Memory(byteCount: 1 << 20)
            while let position = shared.withLock({ $0.takeNext(of: manifest.blocks.count) }) {
                do throws(SystemFailure) {
                    let found = try verify(manifest.blocks[position], at: blockOffsets[position], using: buffer)
                    let done = shared.withLock { state in
                        if let fault = found.fault { state.faults.append(fault) }
                        state.digests[position] = found.digest
                        state.bytes += Int64(manifest.blocks[position].size)
                        return state.bytes
                    }
                    progress.report(done)
                } catch {
                    shared.withLock { $0.failure = error }
                    return
                }
            }
        }
        let end = shared.withLock { $0 }
        if let failure = end.failure { throw .system(failure) }
        var faults = end.faults.sorted { ($0.block ?? 0) < ($1.block ?? 0) }
        if let announced = manifest.contentDigest, announced != manifest.computedContentDigest {
            faults.append(.init(.digestMismatch, "the blocks do not add up to 'content_digest'"))
        }
        return BlockFindings(faults: faults, digests: manifest.blocks.indices.compactMap { end.digests[$0] })
    }

    private struct VerificationState: Sendable {
        var next = 0
        var bytes: Int64 = 0
        var faults: [EnvelopeFault] = []
        var digests: [Int: Digest] = [:]
        var failure: SystemFailure?

        mutating func takeNext(of count: Int) -> Int? {
            guard failure == nil, next < count else { return nil }
            defer { next += 1 }
            return next
        }
    }

    /// What is wrong with one block, and what its bytes hash to as far as they could be read.
    func verify(
        _ block: BlockEntry, at offset: Int64, using buffer: Memory
    ) throws(SystemFailure) -> (fault: EnvelopeFault?, digest: Digest?) {
        if let fault = try lengthFault(of: block, at: offset, using: buffer) { return (fault, nil) }
        var hasher = DigestHasher()
        var position: Int64 = 0
        while position < Int64(block.size) {
            let wanted = min(buffer.bytes.count, Int(Int64(block.size) - position))
            let got = try file.read(into: buffer.prefix(wanted), at: offset + position)
            guard got == wanted else { return (Self.shortened(block), nil) }
            hasher.update(buffer.read(got))
            position += Int64(got)
        }
        let digest = hasher.finish()
        return (sealFault(of: block, digest: digest), digest)
    }

    /// Whether the four bytes before a block say what the manifest says.
    func lengthFault(
        of block: BlockEntry, at offset: Int64, using buffer: Memory
    ) throws(SystemFailure) -> EnvelopeFault? {
        guard try file.read(into: buffer.prefix(4), at: offset - 4) == 4 else { return Self.shortened(block) }
        let length = buffer.read(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard length == block.size else {
            return EnvelopeFault(
                .blockLength, block: Int(block.index), "\(length) bytes are stored, \(block.size) were signed")
        }
        return nil
    }

    /// Whether a block's bytes, which hash to `digest`, are those that were signed.
    func sealFault(of block: BlockEntry, digest: Digest) -> EnvelopeFault? {
        guard digest == block.digest else {
            return EnvelopeFault(
                .blockHash, block: Int(block.index), "the bytes of '\(DisplayText.line(block.name))' were changed")
        }
        let message = BlockEntry.signedBytes(digest: digest, name: block.name, index: block.index)
        guard manifest.senderKey.verifies(block.signature, over: message) else {
            return EnvelopeFault(
                .blockSignature, block: Int(block.index),
                "'\(DisplayText.line(block.name))' was not signed by the key in the manifest")
        }
        return nil
    }

    static func shortened(_ block: BlockEntry) -> EnvelopeFault {
        EnvelopeFault(.truncated, block: Int(block.index), "the file became shorter while it was read")
    }
}

/// What looking at every block of an envelope brought to light.
public struct BlockFindings: Sendable {
    /// Every fault, in the order of the blocks; empty when all is well.
    public let faults: [EnvelopeFault]
    /// The digests of the blocks that could be read, in order.
    public let digests: [Digest]
}
