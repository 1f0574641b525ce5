internal import Fabric
internal import HTTPTypes

/// Finds out who makes a request, and says what they may do.
struct Access: Sendable {
    let store: HubStore
    /// Whether nothing is checked.
    let isOpen: Bool
    /// The hosts that signed requests may be for.
    let names: HubNames
    let administrators: [PublicKey]
    /// Whether items are accepted for names that are not registered.
    let acceptsUnregistered: Bool
    let registered: RegisteredNames
    let counter: RequestCounter

    /// How far a request's time may be from ours.
    static let window = Duration.seconds(300)
    /// The agent that administrators sign as.
    static let administrator = "admin"

    /// Who makes a request.
    enum Caller: Sendable {
        /// Whoever they say: the hub is open.
        case anybody
        /// They did not say.
        case unsigned
        /// Proven by the key of this record.
        case agent(AgentRecord)
        /// Proven by this key of an administrator.
        case administrator(PublicKey)

        /// The name that is proven.
        var name: String? {
            switch self {
            case .anybody, .unsigned: nil
            case .agent(let record): record.name
            case .administrator: Access.administrator
            }
        }

        /// When the name was registered that is proven. What was sent to it and by it before is not the caller's.
        var registeredAt: Timestamp? {
            if case .agent(let record) = self { record.registeredAt } else { nil }
        }

        /// The place after which frames, messages and channels are the caller's.
        var beginning: Int64 { registeredAt.map { ItemNumbers.place(before: $0) } ?? 0 }

        /// Whether what came at `time` is the caller's.
        func owns(since time: Timestamp) -> Bool { registeredAt.map { time >= $0 } ?? true }
    }

    /// A signed request, of which the signature is not checked yet.
    private enum Claim {
        case request(RequestSignature, RequestSignature.Request)
        case body(Authorization, Digest)
    }

    /// Who makes this request.
    ///
    /// - Parameter evenSuspended: Whether a suspended agent may ask this.
    /// - Throws: 401 for a signature that is none, or too old, or was seen before; 403 for a suspended agent; 429.
    func caller(of exchange: Exchange, evenSuspended: Bool = false) async throws(HubFault) -> Caller {
        guard !isOpen else { return .anybody }
        let caller: Caller
        if let known = exchange.admission.caller {
            caller = known
        } else {
            do throws(HubFault) {
                caller = try await prove(exchange)
            } catch {
                if error.status == .unauthorized { exchange.admission.fail() }
                throw error
            }
            try exchange.admission.settle(caller)
        }
        if case .agent(let record) = caller {
            guard !record.isSuspended || evenSuspended else {
                throw HubFault(.forbidden, "'\(record.name)' is suspended", code: "suspended")
            }
        }
        return caller
    }

    /// Returns where a request may be answered: one on credit must be proven first.
    ///
    /// - Throws: 429 where it is not; those of `caller`.
    func redeem(_ exchange: Exchange) async throws(HubFault) {
        guard exchange.admission.isOnCredit else { return }
        guard !isOpen else { return try exchange.admission.settle(.anybody) }
        _ = try await caller(of: exchange, evenSuspended: true)
    }

    /// Returns where a request with a large message may be read: its sender must be proven, as no other may send as much.
    ///
    /// - Throws: 413 where it is not; those of `caller`.
    func requireProof(of exchange: Exchange) async throws(HubFault) {
        guard !isOpen, try await caller(of: exchange, evenSuspended: true).name == nil else { return }
        throw .tooLarge(limit: Tier.sandbox.largestMessage)
    }

    /// Verifies the signature. Nothing is written for one that proves nothing.
    private func prove(_ exchange: Exchange) async throws(HubFault) -> Caller {
        guard let claim = try claim(in: exchange) else { return .unsigned }
        let caller: Caller
        switch claim {
        case .request(let signature, let request):
            caller = try await owner(of: signature, over: request)
            guard caller.name != nil else { return caller }
            try await refuseReplay(signature.nonce, by: signature.agent, at: signature.date)
        case .body(let authorization, let digest):
            let record = try await stored { () async throws(StoreError) in
                try await store.agent(withKey: authorization.key)
            }
            guard authorization.verifies(digest), let record else {
                throw Self.unauthorized("no agent here has the key of this signature")
            }
            caller = .agent(record)
            try await refuseReplay(authorization.signature.hex, by: record.name, at: authorization.date)
        }
        return caller
    }

    /// The agent that a request's signature names, proven by `key` and not by what is registered.
    ///
    /// - Throws: 401 unless there is such a signature.
    func proof(of exchange: Exchange, by key: PublicKey) async throws(HubFault) -> String {
        guard case .request(let signature, let request)? = try claim(in: exchange) else {
            throw Self.unauthorized("this needs the X-AInternet signature by the key that is named")
        }
        guard signature.verifies(request, with: key) else {
            exchange.admission.fail()
            throw Self.unauthorized("the request is not signed by the key that is named")
        }
        guard let agent = AgentName.parse(signature.agent) else { throw Self.malformed }
        try await refuseReplay(signature.nonce, by: signature.agent, at: signature.date)
        return agent
    }

    /// Whether a request says who makes it.
    static func isSigned(_ headers: HTTPFields) -> Bool {
        headers.contains(where: { $0.name.canonicalName == RequestSignature.Header.signature.lowercased() })
            || headers[.authorization]?.hasPrefix("TIBET-SIG") == true
    }

    // MARK: - Rules

    /// Lets those on who look after the hub: administrators, and programs on this machine by the address of their
    /// connection. A request that a proxy on this machine passed on is not one of them.
    ///
    /// - Throws: 401 where the caller is not proven, 403 where it is an agent.
    func requireOperator(_ exchange: Exchange) async throws(HubFault) {
        switch try await caller(of: exchange) {
        case .anybody, .administrator: return
        case .agent:
            guard exchange.isFromThisMachine else { throw Self.forbidden(Self.administrator) }
        case .unsigned:
            guard exchange.isFromThisMachine else {
                throw Self.unauthorized("this is for administrators, and for programs on the hub's own machine")
            }
        }
    }

    /// Whether the caller may read figures without a signature.
    func showsFigures(_ exchange: Exchange) -> Bool { isOpen || exchange.isFromThisMachine }

    /// Refuses what is for a name that is not registered, unless the hub accepts that.
    ///
    /// - Throws: 404.
    func requireReceiver(_ name: String) async throws(HubFault) {
        guard !isOpen, !acceptsUnregistered else { return }
        let isThere = name == Self.administrator ? !administrators.isEmpty : try await registered.contains(name)
        guard isThere else {
            throw HubFault(
                .notFound,
                "the receiver '\(name)' is not registered at this hub; check the name, or have its owner "
                    + "register it", code: "unknown_agent")
        }
    }

    /// Lets only `agent` on, whose mailbox or record it is.
    ///
    /// - Throws: 401 where nobody is proven, 403 where it is somebody else.
    func require(_ agent: String, _ caller: Caller) throws(HubFault) {
        switch caller {
        case .anybody: return
        case .unsigned: throw Self.unauthorized("this needs a signature by '\(agent)'")
        case .agent, .administrator:
            guard caller.name == agent else { throw Self.forbidden(agent) }
        }
    }

    /// What a sender may send, and what its receiver is told about it.
    struct Sender: Sendable {
        /// Whose limits hold; nil where the hub is open and has none.
        let limits: Tier?
        let proof: SenderProof
        /// The account to which what it sends is booked.
        let account: SenderAccount

        /// Whether the hub checks who sends, and this sender is not proven: such senders share their names.
        var isStranger: Bool { limits != nil && !proof.isProven }

        static let unlimited = Sender(limits: nil, proof: .unproven, account: .none)
        static let unproven = Sender(limits: .sandbox, proof: .unproven, account: .unproven)
    }

    /// Lets the caller send as `agent`: with its key, or without one where the name is not registered. The name `admin` is
    /// reserved for administrators.
    ///
    /// - Throws: 401 where the name is registered or reserved and the caller is not proven, 403 where the caller is proven
    ///   to be another agent.
    func sender(_ agent: String, _ caller: Caller) async throws(HubFault) -> Sender {
        switch caller {
        case .anybody: return .unlimited
        case .agent(let record):
            guard record.name == agent else { throw Self.forbidden(agent) }
            return Sender(
                limits: record.tier,
                proof: record.publicKey.map { SenderProof(provenBy: $0, tier: record.tier) } ?? .unproven,
                account: .proven)
        case .administrator(let key):
            guard agent == Self.administrator else { throw Self.forbidden(agent) }
            return Sender(limits: .core, proof: SenderProof(provenBy: key, tier: .core), account: .proven)
        case .unsigned:
            guard agent != Self.administrator else {
                throw Self.unauthorized("'\(agent)' is reserved, so this needs the signature of an administrator")
            }
            let record = try await stored { () async throws(StoreError) in try await store.agent(agent) }
            guard record == nil else {
                throw Self.unauthorized("'\(agent)' is registered, so this needs its signature")
            }
            return .unproven
        }
    }

    static func unauthorized(_ reason: String) -> HubFault {
        HubFault(.unauthorized, reason, code: "unauthorized").with(.wwwAuthenticate, "TIBET-SIG-V1, X-AInternet")
    }

    static func forbidden(_ agent: String) -> HubFault {
        HubFault(.forbidden, "only '\(agent)' may do this", code: "forbidden")
    }

    private static let malformed = unauthorized("the signature's headers are malformed")

    // MARK: - Signatures

    private func claim(in exchange: Exchange) throws(HubFault) -> Claim? {
        typealias Header = RequestSignature.Header
        if let text = exchange.header(Header.signature) {
            guard let domain = exchange.header(Header.domain), let timestamp = exchange.header(Header.timestamp),
                let nonce = exchange.header(Header.nonce),
                let signature = RequestSignature(domain: domain, timestamp: timestamp, nonce: nonce, signature: text)
            else { throw Self.malformed }
            try checkTime(signature.date)
            try checkHost(exchange)
            return .request(
                signature,
                RequestSignature.Request(
                    method: exchange.head.method.rawValue, host: exchange.host, target: exchange.address.target,
                    body: Digest(of: exchange.body)))
        }
        guard let value = exchange.header("Authorization"), value.hasPrefix("TIBET-SIG") else { return nil }
        guard let authorization = Authorization(parsing: value) else { throw Self.malformed }
        // It covers a body and a time: without a body it would be good for any request to any hub.
        guard !exchange.body.isEmpty else {
            throw Self.unauthorized(
                "TIBET-SIG-V1 is not accepted for a request without a body; sign it with the X-AInternet headers")
        }
        try checkTime(authorization.date)
        return .body(authorization, Digest(of: exchange.body))
    }

    private func checkTime(_ date: Timestamp) throws(HubFault) {
        let apart = abs(Timestamp.now().seconds - date.seconds)
        guard apart <= Self.window.components.seconds else {
            throw Self.unauthorized("the signature's time is \(apart) seconds from the hub's")
        }
    }

    private func checkHost(_ exchange: Exchange) throws(HubFault) {
        let port = exchange.localPort
        guard names.contains(exchange.host, at: port) else {
            throw Self.unauthorized(
                "the request is signed for '\(exchange.host)', and this hub is \(names.description(at: port)); "
                    + "use such a name, or start the hub with --name")
        }
    }

    private func owner(
        of signature: RequestSignature, over request: RequestSignature.Request
    ) async throws(HubFault) -> Caller {
        guard let agent = AgentName.parse(signature.agent) else { throw Self.malformed }
        if agent == Self.administrator {
            guard let key = administrators.first(where: { signature.verifies(request, with: $0) }) else {
                throw Self.unauthorized("the signature is not by an administrator's key")
            }
            return .administrator(key)
        }
        let record = try await stored { () async throws(StoreError) in try await store.agent(agent) }
        // A name that nobody registered cannot be proven, and needs no proof.
        guard let record, let key = record.publicKey else { return .unsigned }
        guard signature.verifies(request, with: key) else {
            throw Self.unauthorized("the signature is not by the key of '\(agent)'")
        }
        return .agent(record)
    }

    /// Kept for as long as the time in the signature could be taken for the present.
    private func refuseReplay(_ nonce: String, by agent: String, at date: Timestamp) async throws(HubFault) {
        let expiry = Timestamp(seconds: date.seconds + Self.window.components.seconds + 1)
        let isFirst = try await stored { () async throws(StoreError) in
            try await store.isFirstUse(ofNonce: nonce, by: agent, until: expiry)
        }
        guard isFirst else { throw Self.unauthorized("this request came before") }
    }
}
