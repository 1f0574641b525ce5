internal import Fabric
internal import Synchronization
internal import SystemPackage

/// A name service as this host sees it: asked over HTTP, remembered on disk, and bridged while it does not answer.
public final class AINSDirectory: Sendable {
    /// What is known of a name.
    public struct Finding: Sendable {
        /// What came of the look-up.
        public enum Outcome: Sendable, Equatable {
            /// There is a record. Its age is in seconds, nil when it came just now.
            case found(AINSRecord, age: Int64?)
            /// The service says that there is none.
            case notFound
            /// The service cannot be asked, and nothing that is young enough is remembered.
            case failed(String)
        }

        /// What came of it.
        public let outcome: Outcome
        /// Why an old record is used; nil where it is none.
        public let bridged: String?
    }

    /// The address of the service.
    public let address: String

    private let client: AINSClient
    private let cache: AINSCache
    private let rest: Duration
    private let outage = Mutex<(since: ContinuousClock.Instant, why: String)?>(nil)

    /// - Parameter rest: For how long the service is left alone after a failure.
    init(client: AINSClient, cache: AINSCache, rest: Duration) {
        self.rest = rest
        self.client = client
        self.cache = cache
        address = client.base
    }

    /// The service at `url`, with the time limits and the cache of `configuration`.
    ///
    /// - Throws: `misconfigured` when the address is not a URL that names could be appended to.
    convenience init(at url: String, _ configuration: ResolverConfiguration) throws(CarrierError) {
        self.init(
            client: try AINSClient(
                base: url, timeLimit: configuration.ainsTime, userAgent: configuration.userAgent,
                authorities: configuration.authorities),
            cache: AINSCache(directory: configuration.state.appending("ains-cache")), rest: configuration.ainsRest)
    }

    /// Looks a name up: in the cache, then at the service, then in the cache again for what is old.
    ///
    /// - Parameter name: As a name service knows it: lower case, without `.aint`.
    public func look(up name: String) async -> Finding {
        let (cache, address) = (cache, address)
        let kept = await OwnThread.run { cache.entry(name, at: address) }
        if let kept, kept.isFresh {
            let outcome = kept.record.map { Finding.Outcome.found($0, age: kept.age) } ?? .notFound
            return Finding(outcome: outcome, bridged: nil)
        }
        if let why = recentOutage() { return bridge(kept, why) }
        switch await client.ask(for: name) {
        case .found(let record, let lifetime, let mayBeKept):
            recover()
            await OwnThread.run {
                if mayBeKept {
                    cache.keep(record, lifetime: lifetime, for: name, at: address)
                } else {
                    cache.forget(name, at: address)
                }
            }
            return Finding(outcome: .found(record, age: nil), bridged: nil)
        case .notFound:
            recover()
            await OwnThread.run { cache.keep(nil, lifetime: nil, for: name, at: address) }
            return Finding(outcome: .notFound, bridged: nil)
        case .failed(let why):
            outage.withLock { $0 = (.now, why) }
            return bridge(kept, why)
        }
    }

    private func bridge(_ kept: AINSCache.Entry?, _ why: String) -> Finding {
        guard let kept, let record = kept.record else { return Finding(outcome: .failed(why), bridged: nil) }
        return Finding(outcome: .found(record, age: kept.age), bridged: why)
    }

    private func recentOutage() -> String? {
        outage.withLock { outage in
            guard let last = outage, .now - last.since < rest else { return nil }
            return last.why
        }
    }

    private func recover() { outage.withLock { $0 = nil } }
}
