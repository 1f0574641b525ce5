internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import SystemPackage

/// Answers of a name service on disk, one small file for each name, so that they outlive the process. All calls block.
///
/// The age of an answer is told by the wall clock, as it must survive a restart. A clock that was set back makes an
/// answer seem to come from the future: such an answer is not fresh.
struct AINSCache: Sendable {
    /// An answer that was kept.
    struct Entry: Sendable, Equatable {
        /// The record; nil where there was none.
        let record: AINSRecord?
        /// How old it is, in seconds; 0 for one from the future.
        let age: Int64
        /// Whether it need not be asked for again.
        let isFresh: Bool
    }

    let directory: FilePath

    /// How many answers are kept; the oldest go first.
    static let mostEntries = 512
    /// How long a record is fresh when nothing else is said, in seconds (`ains.md`, section 7).
    static let usualLifetime: Int64 = 300
    /// The longest that a record may ask for, in seconds.
    static let longestLifetime: Int64 = 86_400
    /// How long the absence of a record is believed, in seconds (`ains.md`, section 7).
    static let absenceLifetime: Int64 = 30
    /// How old a record may be to serve when the name service does not answer, in seconds.
    static let longestStale: Int64 = 7 * 86_400

    private static let sizeLimit = 256 << 10

    /// What is known of `name` from the service at `base`; nil for nothing.
    func entry(_ name: String, at base: String, now: Timestamp = .now()) -> Entry? {
        guard let bytes = try? ReplaceableFile.read(path(name, base), atMost: Self.sizeLimit),
            let wire = try? JSONDecoder().decode(Wire.self, from: Data(bytes)), wire.version == Wire.current,
            wire.base == base, wire.name == name
        else { return nil }
        let age = now.seconds - wire.storedAt
        guard age > -Self.longestStale, age <= Self.longestStale else { return nil }
        return Entry(
            record: wire.record?.record, age: max(0, age), isFresh: age >= 0 && age < wire.lifetime)
    }

    /// Keeps an answer; nil for the absence of a record. What cannot be kept is asked for again the next time.
    ///
    /// - Parameter lifetime: For how many seconds it is fresh, as far as somebody said so.
    func keep(_ record: AINSRecord?, lifetime: Int64?, for name: String, at base: String, now: Timestamp = .now()) {
        let usual = record == nil ? Self.absenceLifetime : lifetime ?? Self.usualLifetime
        let wire = Wire(
            base: base, name: name, storedAt: now.seconds, lifetime: min(usual, Self.longestLifetime),
            record: record.map(Wire.Record.init))
        guard let data = try? JSONEncoder().encode(wire), data.count < Self.sizeLimit else { return }
        // What a crash leaves of it is no JSON, or it is lost; both are asked for again.
        guard (try? ReplaceableFile.replace(path(name, base), with: Array(data), isDurable: false)) != nil else {
            return
        }
        dropOldest()
    }

    /// Forgets an answer.
    func forget(_ name: String, at base: String) { unlink(path(name, base).string) }

    private func path(_ name: String, _ base: String) -> FilePath {
        directory.appending(Digest(of: Array((base + "\n" + name).utf8)).hex + ".json")
    }

    /// Removes the oldest answers once there are too many, and what was never finished.
    private func dropOldest() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        guard names.count > Self.mostEntries else { return }
        let dated = names.compactMap { name -> (name: String, time: Int)? in
            var info = stat()
            guard lstat(directory.appending(name).string, &info) == 0 else { return nil }
            return (name, info.st_mtim.tv_sec)
        }
        for old in dated.sorted(by: { $0.time < $1.time }).dropLast(Self.mostEntries * 7 / 8) {
            unlink(directory.appending(old.name).string)
        }
    }

    private struct Wire: Codable {
        static let current = 1

        var version = current
        let base: String
        let name: String
        let storedAt: Int64
        let lifetime: Int64
        let record: Record?

        struct Record: Codable {
            let domain: String?
            let agent: String?
            let status: String
            let key: String?
            let trust: Double?
            let capabilities: [String]
            let routes: [[String]]
            let oddities: [String]

            init(_ record: AINSRecord) {
                domain = record.domain
                agent = record.agent
                status = record.status
                key = record.key?.hex
                trust = record.trust
                capabilities = record.capabilities
                routes = record.routes.map { [$0.scheme, $0.address] }
                oddities = record.oddities
            }

            var record: AINSRecord {
                AINSRecord(
                    domain: domain, agent: agent, status: status, key: key.flatMap { PublicKey(hex: $0) }, trust: trust,
                    capabilities: capabilities,
                    routes: routes.filter { $0.count == 2 }.map { Route(scheme: $0[0], address: $0[1]) },
                    oddities: oddities)
            }
        }
    }
}
