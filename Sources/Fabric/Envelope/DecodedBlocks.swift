internal import Synchronization

/// The contents of an envelope, decoded and verified on all cores, in order and in constant memory.
///
/// A chunk is handed out only after the stored bytes behind it were checked against the signed digest and signature,
/// except for blocks too large to hold: those are checked while they stream, and the last call throws. So whoever
/// consumes this must not publish anything before `next` has returned nil.
struct DecodedBlocks: ~Copyable {
    /// One piece of a content. The bytes are valid until the next call.
    struct Chunk {
        let block: BlockEntry
        let bytes: UnsafeRawBufferPointer
    }

    /// The largest block, stored and decoded, that is held in memory as a whole: what we write ourselves, and the little
    /// that zstd adds to what it cannot shrink.
    static let largestHeld = UInt64(SealOptions.defaultBlockSize) + 64 << 10

    private let envelope: EnvelopeFile
    private var workers: OrderedWorkers<DecodingSlot>
    private var nextToSubmit = 0
    private var nextToYield = 0
    private var lent: DecodingSlot?
    private var streaming: StreamedBlock?

    init(_ envelope: EnvelopeFile) throws(EnvelopeError) {
        self.envelope = envelope
        var slots: [DecodingSlot] = []
        for _ in 0...Cores.workers { slots.append(try DecodingSlot(envelope: envelope)) }
        workers = OrderedWorkers(slots: slots) { $0.process() }
    }

    /// The next piece, or nil once everything was handed out and verified.
    mutating func next() throws(EnvelopeError) -> Chunk? {
        if let slot = lent {
            workers.release(slot)
            lent = nil
        }
        while nextToYield < envelope.manifest.blocks.count {
            let block = envelope.manifest.blocks[nextToYield]
            if Self.isHeld(block) {
                submitAhead()
                guard let slot = workers.takeDone() else { throw .library("a block was lost between threads") }
                lent = slot
                nextToYield += 1
                return Chunk(block: block, bytes: try slot.result())
            }
            if streaming == nil {
                streaming = try StreamedBlock(block, at: envelope.blockOffsets[nextToYield], of: envelope)
                nextToSubmit = max(nextToSubmit, nextToYield + 1)
            }
            if let bytes = try streaming?.next() { return Chunk(block: block, bytes: bytes) }
            streaming = nil
            nextToYield += 1
        }
        if let announced = envelope.manifest.contentDigest, announced != envelope.manifest.computedContentDigest {
            throw .fault(.init(.digestMismatch, "the blocks do not add up to 'content_digest'"))
        }
        return nil
    }

    static func isHeld(_ block: BlockEntry) -> Bool {
        UInt64(block.size) <= largestHeld && block.decodedSize <= largestHeld
    }

    /// Keeps the workers busy with the blocks to come, up to the next that has to be streamed.
    private mutating func submitAhead() {
        let blocks = envelope.manifest.blocks
        while nextToSubmit < blocks.count, Self.isHeld(blocks[nextToSubmit]), let slot = workers.takeFree() {
            slot.prepare(block: nextToSubmit)
            workers.submit(slot)
            nextToSubmit += 1
        }
    }
}

/// One block on its way through a worker: read, verify, decode, verify again.
final class DecodingSlot: Sendable {
    private let envelope: EnvelopeFile
    private let stored = Memory(byteCount: 4096)
    private let decoded = Memory(byteCount: 4096)
    private let decompressor: ZstdDecompressor
    private let state = Mutex<(position: Int, problem: EnvelopeError?)>((0, nil))

    init(envelope: EnvelopeFile) throws(EnvelopeError) {
        self.envelope = envelope
        decompressor = try ZstdDecompressor()
    }

    func prepare(block position: Int) {
        state.withLock { $0 = (position, nil) }
    }

    /// Runs on a worker's thread.
    func process() {
        do throws(EnvelopeError) {
            try decode(envelope.manifest.blocks[position])
        } catch {
            state.withLock { $0.problem = error }
        }
    }

    /// What came out, or what was wrong.
    func result() throws(EnvelopeError) -> UnsafeRawBufferPointer {
        if let problem = state.withLock({ $0.problem }) { throw problem }
        let block = envelope.manifest.blocks[position]
        return block.encoding == .none ? stored.read(Int(block.size)) : decoded.read(Int(block.decodedSize))
    }

    private var position: Int { state.withLock { $0.position } }

    private func decode(_ block: BlockEntry) throws(EnvelopeError) {
        let count = Int(block.size)
        stored.grow(to: max(4, count))
        let offset = envelope.blockOffsets[position]
        let lengthFault = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try envelope.lengthFault(of: block, at: offset, using: stored)
        }
        if let lengthFault { throw .fault(lengthFault) }
        let got = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try envelope.file.read(into: stored.prefix(count), at: offset)
        }
        guard got == count else { throw .fault(EnvelopeFile.shortened(block)) }
        if let fault = envelope.sealFault(of: block, digest: Digest(hashing: stored.read(count))) {
            throw .fault(fault)
        }
        guard block.encoding == .zstd else { return }
        decoded.grow(to: Int(block.decodedSize))
        let target = decoded.prefix(Int(block.decodedSize))
        if let why = decompressor.decode(stored.read(count), filling: target) {
            throw .fault(.init(.decodedContent, block: Int(block.index), why))
        }
        guard Digest(hashing: UnsafeRawBufferPointer(target)) == block.decodedDigest else {
            throw .fault(.init(.decodedContent, block: Int(block.index), "decodes to other bytes than were signed"))
        }
    }
}

extension Digest {
    /// The digest of raw memory.
    init(hashing bytes: UnsafeRawBufferPointer) {
        var hasher = DigestHasher()
        hasher.update(bytes)
        self = hasher.finish()
    }
}
