internal import Fabric
internal import FoundationEssentials

/// The body of the request that sends an envelope in one frame, made while it is read, so that an envelope of any size
/// is never in memory as a whole.
struct EncodedFrame: EnvelopeSource {
    private let source: any EnvelopeSource
    private let size: Int64
    private let head: [UInt8]
    private let tail: [UInt8]
    private let encodedLength: Int64

    /// The number of all its bytes.
    var count: Int64 { Int64(head.count) + encodedLength + Int64(tail.count) }

    /// The body that sends `size` bytes of `source` to the channel.
    init(channel: String, name: ArrivalName, size: Int64, source: any EnvelopeSource) {
        self.source = source
        self.size = size
        let channel = JSONValue.text(channel).text(.compact)
        head = Array("{\"channel_id\":\(channel),\"payload\":{\"bundle_b64\":\"".utf8)
        // A name of an arrival has nothing that JSON would have to escape.
        tail = Array("\",\"name\":\"\(name.text)\",\"size_bytes\":\(size)}}".utf8)
        encodedLength = EnvelopePayload.encodedLength(size)
    }

    /// How many bytes of the envelope are in the first `count` bytes of the body, about.
    func envelopeBytes(in count: Int64) -> Int64 { max(0, min(size, (count - Int64(head.count)) / 4 * 3)) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        guard !buffer.isEmpty, offset >= 0 else { return 0 }
        let headEnd = Int64(head.count)
        if offset < headEnd { return copy(head[Int(offset)...], into: buffer) }
        if offset < headEnd + encodedLength { return try encode(into: buffer, at: offset - headEnd) }
        let place = offset - headEnd - encodedLength
        return place < Int64(tail.count) ? copy(tail[Int(place)...], into: buffer) : 0
    }

    private func copy(_ bytes: ArraySlice<UInt8>, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let fitting = bytes.prefix(buffer.count)
        buffer.copyBytes(from: fitting)
        return fitting.count
    }

    /// Groups of three bytes become four characters, so any place in the text has its place in the source.
    private func encode(into buffer: UnsafeMutableRawBufferPointer, at place: Int64) throws(SystemFailure) -> Int {
        let skipped = Int(place % 4)
        let groups = max(1, min((buffer.count + skipped) / 4, Self.groupsAtOnce))
        let start = place / 4 * 3
        let wanted = Int(min(Int64(groups * 3), size - start))
        let bytes = try read(wanted, at: start)
        // A source that ends early gives less here, and the request ends before its announced length.
        guard bytes.count == wanted else { return 0 }
        let text = Data(bytes).base64EncodedData()
        return copy(ArraySlice(text.dropFirst(skipped)), into: buffer)
    }

    private func read(_ count: Int, at offset: Int64) throws(SystemFailure) -> [UInt8] {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 64)
        defer { memory.deallocate() }
        var filled = 0
        while filled < count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[filled..<count])
            let got = try source.read(into: rest, at: offset + Int64(filled))
            if got == 0 { break }
            filled += got
        }
        return Array(memory[..<filled])
    }

    private static let groupsAtOnce = 64 << 10
}
