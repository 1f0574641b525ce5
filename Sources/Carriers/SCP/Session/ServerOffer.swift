/// What a host said, in the clear, that it can do (RFC 4253, sections 4.2 and 7.1).
struct ServerOffer: Equatable {
    /// The software that it says it is, for example `OpenSSH_9.2p1`.
    let software: String
    /// The algorithms of its host keys; empty when it did not get to name them.
    let hostKeyAlgorithms: [String]

    /// Reads the first bytes that came from a host; nil when there is no introduction in them.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        var banner: ArraySlice<UInt8>?
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if line.starts(with: Array("SSH-".utf8)) {
                banner = line
                break
            }
        }
        guard let banner else { return nil }
        let text = String(decoding: banner, as: UTF8.self)
        software = String(text.split(separator: "-", maxSplits: 2).last?.prefix { !$0.isWhitespace } ?? "")
        hostKeyAlgorithms = Self.algorithms(Array(rest)) ?? []
    }

    private static func algorithms(_ packet: [UInt8]) -> [String]? {
        var reader = WireReader(packet)
        let keyExchangeInit: UInt8 = 20
        guard reader.uint32() != nil, reader.byte() != nil, reader.byte() == keyExchangeInit, reader.take(16) != nil,
            reader.string() != nil, let names = reader.string()
        else { return nil }
        return String(decoding: names, as: UTF8.self).split(separator: ",").map(String.init)
    }
}
