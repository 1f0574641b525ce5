internal import Fabric
internal import SystemPackage

/// What is made of the answers.
extension Resolver {
    /// Refuses what must not be delivered to, and fills in who receives.
    func judge(
        _ knowledge: Knowledge, _ form: TargetForm, _ resolution: inout Resolution, pinning: Bool
    ) async throws(CarrierError) {
        resolution.receiver = receiver(knowledge, form)
        if let record = knowledge.record { try checkStanding(record, knowledge.recordOrigin, resolution) }
        try checkTrust(knowledge, resolution)
        try await checkKey(knowledge, form, &resolution, pinning: pinning)
        try await checkHosts(knowledge, form, &resolution, pinning: pinning)
    }

    private func receiver(_ knowledge: Knowledge, _ form: TargetForm) -> RoutePlan.Receiver? {
        guard let asked = form.nameText else { return nil }
        if let (entry, path) = knowledge.entry, knowledge.record == nil || entry.key != nil {
            return RoutePlan.Receiver(
                name: knowledge.receiverName(form) ?? asked, key: entry.key,
                trust: entry.trust ?? knowledge.record?.trust,
                origin: .directory(file: path.string, entry: entry.title))
        }
        guard let record = knowledge.record, let origin = knowledge.recordOrigin else { return nil }
        return RoutePlan.Receiver(
            name: knowledge.receiverName(form) ?? asked, key: record.key,
            trust: knowledge.entry?.entry.trust ?? record.trust,
            origin: origin)
    }

    private func checkStanding(
        _ record: AINSRecord, _ origin: RouteOrigin?, _ resolution: Resolution
    ) throws(CarrierError) {
        guard record.standing != .usable else { return }
        throw CarrierError(
            .refused, .waitForPerson,
            "'\(resolution.target.text)' is \(record.status.lowercased()), says \(origin.map { "\($0)" } ?? "AINS")",
            remedy: "ask the receiver, by another way, what happened")
    }

    private func checkTrust(_ knowledge: Knowledge, _ resolution: Resolution) throws(CarrierError) {
        let minimum = resolution.minimumTrust
        if let score = knowledge.entry?.entry.trust ?? knowledge.record?.trust {
            guard score < minimum else { return }
            throw CarrierError(
                .refused, .waitForPerson,
                "'\(resolution.target.text)' has a trust of \(score), and \(minimum) is the least that will do",
                remedy: "if that is enough for this, say so with --min-trust")
        }
        guard resolution.target.minimumTrust != nil else { return }
        let start = "a trust of \(minimum) was asked for, and "
        if let why = knowledge.lookupFailure {
            throw CarrierError(
                .unreachable, .retry(after: nil), start + "AINS, which could tell, \(why)",
                remedy: "try again later, or without --min-trust")
        }
        throw CarrierError(
            .refused, .waitForPerson, start + "nobody says how far '\(resolution.target.text)' is trusted",
            remedy: "leave out --min-trust, or write a trust into routes.toml")
    }

    /// Compares the receiver's key with what is configured and with what was seen before.
    private func checkKey(
        _ knowledge: Knowledge, _ form: TargetForm, _ resolution: inout Resolution, pinning: Bool
    ) async throws(CarrierError) {
        if let (entry, path) = knowledge.entry, let configured = entry.key {
            resolution.keyStanding = .configured
            guard let offered = knowledge.record?.key, offered != configured else { return }
            resolution.keyStanding = .changed
            throw changedKey(
                resolution, held: "'\(path)' has SHA256:\(configured.fingerprint.hex)", offered: offered,
                remedy: "ask the receiver, by another way, whether the key was changed; if so, change it in '\(path)'")
        }
        guard let subject = form.host?.description else { return }
        guard let record = knowledge.record, let origin = knowledge.recordOrigin else {
            return try await usePin(of: subject, form, &resolution)
        }
        let standing = try await standing(
            of: record.key, subject, origin, hosts: record.hosts, pinning: pinning)
        switch standing {
        case .unknown where record.key == nil: return
        case .unknown:
            resolution.keyStanding = .new
            if pinning { resolution.notices.append("pinned the key that \(origin) has for '\(subject)'") }
        case .matches(let pin):
            resolution.keyStanding = .pinned
            guard record.key == nil else { return }
            resolution.receiver?.key = PublicKey(hex: pin.key)
            resolution.notices.append("\(origin) has no key for '\(subject)' any more; using the pinned one")
        case .changed(let pin):
            resolution.keyStanding = .changed
            guard let offered = record.key else { return }
            throw changedKey(
                resolution, held: "\(pin.fingerprint) is pinned since \(pin.since.iso8601)", offered: offered,
                remedy: "ask the receiver, by another way, whether the key was changed; if so, run "
                    + "'tcd trust rotate ains \(subject) \(offered.hex)'")
        }
    }

    /// Without a record there may still be the key that was seen before: who hides the name service must not get an
    /// envelope that is addressed to nobody.
    private func usePin(
        of subject: String, _ form: TargetForm, _ resolution: inout Resolution
    ) async throws(CarrierError) {
        let standing = try await standing(of: nil, subject, .convention, hosts: nil, pinning: false)
        guard case .matches(let pin) = standing, let asked = form.nameText else { return }
        resolution.keyStanding = .pinned
        if resolution.receiver == nil {
            resolution.receiver = RoutePlan.Receiver(
                name: asked, key: nil, trust: nil, origin: .pin(since: pin.since, source: pin.source))
        }
        resolution.receiver?.key = PublicKey(hex: pin.key)
        resolution.notices.append(
            "there is no record of '\(subject)'; using the key that is pinned since \(pin.since.iso8601)")
    }

    /// What is known of a record's key; for a record without one, what is pinned.
    private func standing(
        of key: PublicKey?, _ subject: String, _ origin: RouteOrigin, hosts: [String]?, pinning: Bool
    ) async throws(CarrierError) -> TrustStore.Standing {
        try await withPins { trust throws(TrustError) in
            guard let key else { return try trust.pin(.ains, subject).map { .matches($0) } ?? .unknown }
            guard pinning else { return try trust.check(.ains, subject, key: key.hex) }
            return try trust.admit(
                try Pin(
                    kind: .ains, subject: subject, key: key.hex, reason: "first seen", source: "\(origin)",
                    hosts: hosts))
        }
    }

    /// Does `body` with the pins. Pins that cannot be used stop what asked for them.
    func withPins<Value: Sendable>(
        _ body: @escaping @Sendable (TrustStore) throws(TrustError) -> Value
    ) async throws(CarrierError) -> Value {
        let trust = trust
        do throws(TrustError) {
            return try await OwnThread.run { () throws(TrustError) in try body(trust) }
        } catch {
            throw CarrierError(.misconfigured, .waitForPerson, error.explanation, remedy: error.remedy)
        }
    }

    private func changedKey(
        _ resolution: Resolution, held: String, offered: PublicKey, remedy: String
    ) -> CarrierError {
        CarrierError(
            .hostKeyChanged, .waitForPerson,
            "the key of '\(resolution.target.text)' is not the one that is known: \(held), and AINS now has "
                + "SHA256:\(offered.fingerprint.hex)", remedy: remedy)
    }

    func noRoute(_ knowledge: Knowledge, _ resolution: Resolution) -> CarrierError {
        let text = resolution.target.text
        if let why = knowledge.lookupFailure {
            return CarrierError(
                .unreachable, .retry(after: nil), "no way to '\(text)' is known, and AINS \(why)",
                remedy: "try again later")
        }
        if let why = knowledge.registryFailure {
            return CarrierError(
                .unreachable, .retry(after: nil), "no route to '\(text)' can be used: \(why)", remedy: "try again later"
            )
        }
        // Of several reasons, that a mailbox is not the receiver's is the one to know.
        let telling = resolution.passedOver.first {
            ["mux", "ipoll"].contains($0.planned.route.scheme) && !$0.reason.hasSuffix("was insisted on")
        }
        guard let first = telling ?? resolution.passedOver.first else {
            return CarrierError(
                .misconfigured, .waitForPerson, "nobody knows a way to '\(text)'",
                remedy: "check the name, write it into routes.toml, or name an address of AINS (TIBET_AINS_API_URL)")
        }
        return CarrierError(
            .misconfigured, .waitForPerson,
            "no way to '\(text)' can be used: \(first.planned.route.scheme): \(first.reason)"
                + (resolution.passedOver.count > 1 ? ", and \(resolution.passedOver.count - 1) more" : ""),
            remedy: "'tcd resolve' shows them all")
    }
}
