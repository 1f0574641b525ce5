/// Lines out of pieces, with a bound on their length and number. A value.
struct LineBuffer {
    enum Fault: Error {
        case tooLong, tooMany
    }

    private let length: Int
    private var left: Int
    private var partial: [UInt8] = []

    init(_ limits: PluginLimits) {
        length = limits.lineLength
        left = limits.lines
    }

    /// The lines that `bytes` complete, without their ends. Empty ones are left out.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(Fault) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial += rest[..<end]
            rest = rest[(end + 1)...]
            guard partial.count <= length else { throw .tooLong }
            left -= 1
            guard left >= 0 else { throw .tooMany }
            if !partial.isEmpty { lines.append(partial) }
            partial = []
        }
        partial += rest
        guard partial.count <= length else { throw .tooLong }
        return lines
    }
}
