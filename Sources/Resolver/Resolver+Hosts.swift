public import Fabric

/// The hosts of a name service's routes, which are pinned together with its key: a record that keeps the key and leads
/// elsewhere would otherwise take deliveries away from the receiver without a word.
extension Resolver {
    /// Compares the hosts of the record's routes with those that are pinned beside its key, and pins them where none are.
    func checkHosts(
        _ knowledge: Knowledge, _ form: TargetForm, _ resolution: inout Resolution, pinning: Bool
    ) async throws(CarrierError) {
        guard let subject = form.host?.description, let record = knowledge.record,
            let origin = knowledge.recordOrigin
        else { return }
        let key = record.key
        let offered = record.hosts
        (resolution.pinSubject, resolution.offeredHosts) = (subject, offered)
        let pin = try await withPins { trust throws(TrustError) -> Pin? in
            guard let pin = try trust.pin(.ains, subject) else {
                guard pinning, let key else { return nil }
                let fresh = try Pin(
                    kind: .ains, subject: subject, key: key.hex, reason: "first seen", source: "\(origin)",
                    hosts: offered)
                _ = try trust.admit(fresh)
                return fresh
            }
            return pin
        }
        guard let pin, key == nil || key?.hex == pin.key else { return }
        guard let held = pin.hosts else {
            guard pinning else { return }
            _ = try await withPins { trust throws(TrustError) in
                try trust.pinHosts(offered, of: .ains, subject, replacing: false)
            }
            resolution.notices.append(
                "pinned the hosts that \(origin) leads to for '\(subject)': \(Self.list(offered))")
            return
        }
        guard held != offered else { return }
        resolution.hostChange = RoutePlan.HostChange(subject: subject, pinned: held, offered: offered)
        let words =
            "the routes that \(origin) has for '\(subject)' lead to other hosts than those that are pinned: pinned "
            + "\(Self.list(held)); now \(Self.list(offered))"
        let remedy =
            "if the receiver confirms the change, run 'tcd resolve \(resolution.target.text) --accept-routes'"
        guard configuration.strictRoutes else {
            return resolution.notices.append("\(words); \(remedy)")
        }
        resolution.isStoppedByHosts = true
        throw CarrierError(.refused, .waitForPerson, words, remedy: remedy)
    }

    /// Pins the hosts that the name service's routes to `target` lead to now, in place of those that were pinned.
    ///
    /// - Returns: The pin as it stands afterwards.
    /// - Throws: `misconfigured` when no pinned key goes with the record; whatever else stops a delivery to the target,
    ///   but for the change of hosts itself.
    public func acceptHosts(of target: DeliveryTarget) async throws(CarrierError) -> Pin {
        let resolution = await resolve(target, pinning: false)
        if let failure = resolution.failure, !resolution.isStoppedByHosts { throw failure }
        guard resolution.keyStanding == .pinned || resolution.hostChange != nil, let subject = resolution.pinSubject,
            let offered = resolution.offeredHosts
        else {
            throw CarrierError(
                .misconfigured, .waitForPerson, "no pinned key goes with a record of '\(target.text)'",
                remedy: "a delivery pins key and hosts when it sees them first")
        }
        return try await withPins { trust throws(TrustError) in
            try trust.pinHosts(offered, of: .ains, subject, replacing: true)
        }
    }

    private static func list(_ hosts: [String]) -> String { hosts.isEmpty ? "none" : hosts.joined(separator: ", ") }
}

extension AINSRecord {
    /// The places that the routes lead to, sorted, each once.
    var hosts: [String] { Set(routes.prefix(Pin.mostHosts).map(\.place)).sorted() }
}
