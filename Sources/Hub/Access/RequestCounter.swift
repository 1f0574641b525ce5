internal import Fabric
internal import HTTPTypes
internal import Synchronization

/// Counts requests: those of proven agents by agent, all others by the address that they come from, whatever headers they
/// have.
///
/// Who signs is known after the signature was verified, which costs computing time. So each request takes a token of its
/// address when it comes, which is given back once its agent is proven. Where the address has none left, a signed
/// request is let in on credit: it must then be proven before it is answered. Signatures that fail take tokens of a
/// smaller bucket of the address; where that is empty, no signatures from there are verified any more, but for those in
/// the name of agents that were proven from there lately: they are not refused for what others do behind one address.
final class RequestCounter: Sendable {
    private let agents: RateLimiter
    private let addresses: RateLimiter
    private let failures: RateLimiter
    private let proven = ProvenSenders()

    /// At most `rate` requests a second by each agent and address, over ten seconds, and a tenth of that of signatures
    /// that fail, at least one a second; 0 for any number.
    init(rate: Int) {
        agents = RateLimiter(rate: Double(rate))
        addresses = RateLimiter(rate: Double(rate))
        failures = RateLimiter(rate: rate == 0 ? 0 : max(1, Double(rate) / 10))
    }

    /// Counts a request as it comes.
    ///
    /// - Throws: 429 with the time after which there is room again.
    func admit(_ headers: HTTPFields, from address: String) throws(HubFault) -> Admission {
        let claim = Self.claim(in: headers)
        let isKnown = claim.map { proven.contains($0, from: address) } ?? false
        if claim != nil, !isKnown, !failures.hasToken(address) {
            throw .tooMany("too many signatures from this address failed", code: "rate", retryAfter: 1)
        }
        let wait = addresses.take(address)
        if wait > 0, claim == nil { throw Self.tooMany(wait) }
        return Admission(counter: self, address: address, claim: claim, isKnown: isKnown, isOnCredit: wait > 0)
    }

    /// What a request's signature claims to be by: an agent, or a key; nil where it is not signed.
    private static func claim(in headers: HTTPFields) -> String? {
        func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
        if field(RequestSignature.Header.signature) != nil {
            return AgentName.normalised(field(RequestSignature.Header.domain) ?? "")
        }
        guard let value = headers[.authorization], value.hasPrefix("TIBET-SIG") else { return nil }
        return String(value.prefix { $0 != "|" })
    }

    private static func tooMany(_ wait: Double) -> HubFault {
        .tooMany("too many requests", code: "rate", retryAfter: Int64(wait.rounded(.up)))
    }

    /// One request, or one connection that carries many messages.
    final class Admission: Sendable {
        private let counter: RequestCounter
        private let address: String
        private let claim: String?
        /// Whether its agent was proven from its address lately, if it is the one that the signature names.
        let isKnown: Bool
        /// Whether it must be proven, as its address has used up its tokens.
        let isOnCredit: Bool
        private let state = Mutex<Access.Caller?>(nil)

        fileprivate init(
            counter: RequestCounter, address: String, claim: String?, isKnown: Bool, isOnCredit: Bool
        ) {
            self.counter = counter
            self.address = address
            self.claim = claim
            self.isKnown = isKnown
            self.isOnCredit = isOnCredit
        }

        /// Who makes the request, once that was found out.
        var caller: Access.Caller? { state.withLock { $0 } }

        /// Counts it to its agent, where it is proven, and remembers who makes it.
        ///
        /// - Throws: 429 where the agent has no token left, or where nothing was proven by a request on credit.
        func settle(_ caller: Access.Caller) throws(HubFault) {
            state.withLock { $0 = caller }
            guard let name = caller.name else {
                guard isOnCredit else { return }
                _ = counter.failures.take(address)
                throw RequestCounter.tooMany(1)
            }
            if !isOnCredit { counter.addresses.give(address) }
            if let claim { counter.proven.insert(claim, from: address) }
            try count(name)
        }

        /// Counts a signature that failed.
        func fail() { _ = counter.failures.take(address) }

        /// Counts one message more of a connection whose caller is known.
        ///
        /// - Throws: 429.
        func countMessage() throws(HubFault) {
            if let name = caller?.name { return try count(name) }
            let wait = counter.addresses.take(address)
            if wait > 0 { throw RequestCounter.tooMany(wait) }
        }

        private func count(_ agent: String) throws(HubFault) {
            let wait = counter.agents.take(agent)
            if wait > 0 { throw RequestCounter.tooMany(wait) }
        }
    }
}

/// Agents that were proven lately, each with the address from which they were.
private final class ProvenSenders: Sendable {
    private struct Pair: Hashable {
        let claim: String
        let address: String
    }

    private static let most = 65_536
    private static let memory = Duration.seconds(3600)
    private let times = Mutex<[Pair: ContinuousClock.Instant]>([:])

    func contains(_ claim: String, from address: String) -> Bool {
        times.withLock { times in
            times[Pair(claim: claim, address: address)].map { $0 + Self.memory > .now } ?? false
        }
    }

    func insert(_ claim: String, from address: String) {
        let pair = Pair(claim: claim, address: address)
        times.withLock { times in
            if times[pair] == nil, times.count >= Self.most {
                let oldest = times.sorted { $0.value < $1.value }.prefix(Self.most / 8)
                for (pair, _) in oldest { times[pair] = nil }
            }
            times[pair] = .now
        }
    }
}
