internal import Fabric
internal import HubClient
internal import Synchronization

/// A server of mailboxes takes what is put into any of them, so a name that is not registered, or that another agent holds, would
/// swallow a delivery. A mailbox that the operator did not name is a route only when its agent is registered there with the
/// receiver's key.
extension Resolver {
    /// Takes the mailboxes out of the selection that are not proven to be the receiver's.
    func proveMailboxes(
        _ selection: inout RouteSelection, for key: PublicKey?, _ knowledge: inout Knowledge
    ) async {
        for route in selection.routes.map(\.route) where selection.unproven.contains(route) {
            if let reason = await reason(against: route, key, &knowledge) { selection.drop(route, because: reason) }
        }
    }

    private func reason(against route: Route, _ key: PublicKey?, _ knowledge: inout Knowledge) async -> String? {
        let (mailbox, registry): (HubRoute, AINSDirectory)
        do throws(CarrierError) {
            mailbox = try HubRoute(route, scheme: route.scheme)
            registry = try registries.registry(at: mailbox.address)
        } catch {
            return error.explanation
        }
        let name = "the mailbox '\(mailbox.agent)' at \(mailbox.address)"
        guard let key else {
            return
                "no key of the receiver is known that \(name) could be compared with; if it is the receiver's, name it "
                + "with --to \(route.scheme):\(route.address)"
        }
        switch await registry.look(up: mailbox.agent.name).outcome {
        case .notFound: return "\(name) is not registered"
        case .failed(let why):
            let reason = "\(name) may not be registered: the server \(why)"
            knowledge.registryFailure = reason
            return reason
        case .found(let record, _):
            guard let held = record.key else { return "\(name) is registered without a key" }
            guard held == key else {
                return "\(name) is registered with another key, SHA256:\(held.fingerprint.hex), than the receiver's, "
                    + "SHA256:\(key.fingerprint.hex)"
            }
            return record.standing == .usable ? nil : "\(name) is \(record.status.lowercased())"
        }
    }
}

/// The lists of registered agents, one for each server; each is made when it is asked for the first time.
final class MailboxRegistries: Sendable {
    private let configuration: ResolverConfiguration
    private let known: AINSDirectory?
    private let made = Mutex<[String: AINSDirectory]>([:])

    /// - Parameter known: A name service that is used already, and can be that of a server.
    init(_ configuration: ResolverConfiguration, known: AINSDirectory?) {
        self.configuration = configuration
        self.known = known
    }

    /// The list of the server at `address` (`ains.md`, section 3).
    func registry(at address: HubAddress) throws(CarrierError) -> AINSDirectory {
        let url = address.base + "/api/ains/resolve"
        if let known, known.address == url { return known }
        if let registry = made.withLock({ $0[url] }) { return registry }
        let registry = try AINSDirectory(at: url, configuration)
        return made.withLock { made in
            let first = made[url] ?? registry
            made[url] = first
            return first
        }
    }
}
