internal import FoundationEssentials

/// The file of pins: one JSON object with a version and a list, in the order of kind and subject.
struct PinFile {
    /// The pins.
    var pins: [Pin]

    /// The largest file that is read, in bytes.
    static let sizeLimit = 32 << 20
    private static let version = 1

    init(pins: [Pin]) { self.pins = pins }

    /// Reads the file's bytes.
    ///
    /// - Throws: What is wrong with them. A file that is half understood would let a changed key through, so anything
    ///   that is not as this program writes it is refused.
    init(json: [UInt8]) throws(Flaw) {
        guard json.count <= Self.sizeLimit else { throw Flaw("it is larger than \(Self.sizeLimit) bytes") }
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)) else {
            throw Flaw("it is no list of pins in JSON")
        }
        guard wire.version == Self.version else { throw Flaw("its version is \(wire.version), not \(Self.version)") }
        pins = []
        for entry in wire.pins { pins.append(try entry.pin()) }
        guard Set(pins.map { [$0.kind.rawValue, $0.subject] }).count == pins.count else {
            throw Flaw("a subject is in it twice")
        }
    }

    /// The text, one pin to a few lines, so that a person can read and compare it.
    func json() throws(Flaw) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let sorted = pins.sorted { ($0.kind.rawValue, $0.subject) < ($1.kind.rawValue, $1.subject) }
        guard let data = try? encoder.encode(Wire(version: Self.version, pins: sorted.map(Wire.Entry.init))) else {
            throw Flaw("it cannot be written as JSON")
        }
        return Array(data) + [0x0a]
    }

    /// What is wrong with a file.
    struct Flaw: Error {
        let why: String

        init(_ why: String) { self.why = why }
    }

    private struct Wire: Codable {
        let version: Int
        let pins: [Entry]

        struct Entry: Codable {
            let kind: String
            let subject: String
            let key: String
            let since: String
            let reason: String
            let source: String
            let previous: [Previous]
            /// Left out of the file where there are none.
            let hosts: [String]?

            struct Previous: Codable {
                let key: String
                let since: String
                let until: String
                let reason: String
            }

            init(_ pin: Pin) {
                kind = pin.kind.rawValue
                subject = pin.subject
                key = pin.key
                since = pin.since.iso8601
                reason = pin.reason
                source = pin.source
                hosts = pin.hosts
                previous = pin.previous.map {
                    Previous(key: $0.key, since: $0.since.iso8601, until: $0.until.iso8601, reason: $0.reason)
                }
            }

            func pin() throws(Flaw) -> Pin {
                let subject = EscapedJSON.quote(subject)
                guard let kind = Pin.Kind(rawValue: kind), let since = Timestamp(iso8601: since) else {
                    throw Flaw("the pin of \(subject) has an unknown kind or no time")
                }
                var earlier: [Pin.Previous] = []
                for key in previous {
                    guard let since = Timestamp(iso8601: key.since), let until = Timestamp(iso8601: key.until) else {
                        throw Flaw("a previous key of \(subject) has no time")
                    }
                    earlier.append(.init(key: key.key, since: since, until: until, reason: key.reason))
                }
                do {
                    return try Pin(
                        kind: kind, subject: self.subject, key: key, since: since, reason: reason, source: source,
                        previous: earlier, hosts: hosts)
                } catch {
                    throw Flaw("the pin of \(subject): \(error.explanation)")
                }
            }
        }
    }
}
