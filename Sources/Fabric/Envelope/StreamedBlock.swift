/// One block that is too large to hold, read and decoded piece by piece.
///
/// The stored bytes are verified in a pass of their own before the first piece is decoded, so that the decompressor
/// is never fed bytes that nobody signed; they are hashed again while decoding, in case the file is being changed.
struct StreamedBlock {
    private let block: BlockEntry
    private let offset: Int64
    private let envelope: EnvelopeFile
    private let input = Memory(byteCount: 1 << 20)
    private let output = Memory(byteCount: 1 << 20)
    private let decompressor: ZstdDecompressor?

    private var storedHasher = DigestHasher()
    private var decodedHasher = DigestHasher()
    private var position: Int64 = 0
    private var pending = 0..<0
    private var decodedCount: UInt64 = 0
    private var frameComplete = false
    /// The decompressor may hold back more than fitted into the last piece, without needing any input for it.
    private var outputWasFull = false

    init(_ block: BlockEntry, at offset: Int64, of envelope: EnvelopeFile) throws(EnvelopeError) {
        self.block = block
        self.offset = offset
        self.envelope = envelope
        decompressor = block.encoding == .zstd ? try ZstdDecompressor() : nil
        decompressor?.beginFrame()
        let fault = try EnvelopeError.wrapping { [input] () throws(SystemFailure) in
            try envelope.verify(block, at: offset, using: input).fault
        }
        if let fault { throw .fault(fault) }
    }

    /// The next piece, valid until the next call; nil once the block is complete and verified.
    mutating func next() throws(EnvelopeError) -> UnsafeRawBufferPointer? {
        guard let decompressor else { return try nextStored() }
        while true {
            if pending.isEmpty, frameComplete || !outputWasFull, try !readMore() {
                try requireComplete()
                return nil
            }
            let chunk = UnsafeRawBufferPointer(rebasing: input.read(pending.upperBound)[pending])
            guard !frameComplete || chunk.isEmpty else { throw problem("more than one zstd frame") }
            let step = decompressor.step(chunk, into: output.bytes)
            if let why = step.problem { throw problem(why) }
            pending = (pending.lowerBound + step.used)..<pending.upperBound
            frameComplete = step.complete
            decodedCount += UInt64(step.made)
            guard decodedCount <= block.decodedSize else { throw problem("decodes to more than was signed") }
            guard step.made > 0 || step.used > 0 || outputWasFull else {
                throw problem("the zstd frame makes no progress")
            }
            outputWasFull = step.made == output.bytes.count
            if step.made > 0 {
                decodedHasher.update(output.read(step.made))
                return output.read(step.made)
            }
        }
    }

    private mutating func nextStored() throws(EnvelopeError) -> UnsafeRawBufferPointer? {
        guard try readMore() else {
            guard storedHasher.finish() == block.digest else { throw changed }
            return nil
        }
        defer { pending = 0..<0 }
        return input.read(pending.upperBound)
    }

    private mutating func readMore() throws(EnvelopeError) -> Bool {
        let wanted = min(input.bytes.count, Int(Int64(block.size) - position))
        guard wanted > 0 else { return false }
        let (file, place, buffer) = (envelope.file, offset + position, input.prefix(wanted))
        let got = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.read(into: buffer, at: place) }
        guard got == wanted else { throw .fault(EnvelopeFile.shortened(block)) }
        storedHasher.update(input.read(got))
        position += Int64(got)
        pending = 0..<got
        return true
    }

    private func requireComplete() throws(EnvelopeError) {
        guard storedHasher.finish() == block.digest else { throw changed }
        guard frameComplete, decodedCount == block.decodedSize else {
            throw problem("decodes to \(decodedCount) bytes, \(block.decodedSize) were signed")
        }
        guard decodedHasher.finish() == block.decodedDigest else {
            throw problem("decodes to other bytes than were signed")
        }
    }

    private var changed: EnvelopeError {
        .fault(.init(.blockHash, block: Int(block.index), "the bytes were changed while they were read"))
    }

    private func problem(_ why: String) -> EnvelopeError {
        .fault(.init(.decodedContent, block: Int(block.index), why))
    }
}
