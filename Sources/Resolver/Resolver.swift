public import Fabric
internal import HubClient
internal import SystemPackage

/// Finds the ways to a target: from the command line, a static directory, a name service and convention, in this order.
///
/// Keys that a name service names are pinned when they are seen first, and one that changed stops everything.
public struct Resolver: RoutePlanner {
    /// What it works with.
    public let configuration: ResolverConfiguration
    /// The name service; nil where none is configured.
    public let nameService: AINSDirectory?

    let directory: StaticDirectory
    let trust: TrustStore
    let registries: MailboxRegistries

    /// A resolver that asks nobody before it is asked.
    ///
    /// - Throws: `misconfigured` when the address of AINS is none.
    public init(_ configuration: ResolverConfiguration) throws(CarrierError) {
        self.configuration = configuration
        trust = TrustStore(state: configuration.state)
        directory = StaticDirectory(places: configuration.routes)
        let nameService = try configuration.ainsURL.map { url throws(CarrierError) in
            try AINSDirectory(at: url, configuration)
        }
        self.nameService = nameService
        registries = MailboxRegistries(configuration, known: nameService)
        for server in [configuration.convention.muxServer, configuration.convention.ipollServer] {
            if let server { _ = try HubAddress(parsing: server) }
        }
    }

    /// The routes to `target`. Pins the key that AINS names for it, where none is pinned yet.
    public func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        try await resolve(target, pinning: true).plan()
    }

    /// All that can be said of `target`: asks the same sources as `plan`, and pins nothing.
    public func explain(_ target: DeliveryTarget) async -> Resolution { await resolve(target, pinning: false) }

    /// All that can be said of `target`.
    ///
    /// - Parameter pinning: Whether a key and hosts that are seen for the first time are pinned, as `plan` does.
    public func resolve(_ target: DeliveryTarget, pinning: Bool) async -> Resolution {
        var resolution = Resolution(
            target: target, minimumTrust: target.minimumTrust ?? configuration.usualMinimumTrust)
        do throws(CarrierError) {
            try await resolve(into: &resolution, pinning: pinning)
        } catch {
            resolution.failure = error
        }
        return resolution
    }

    private func resolve(into resolution: inout Resolution, pinning: Bool) async throws(CarrierError) {
        let target = resolution.target
        let form: TargetForm
        do throws(NameError) {
            form = try TargetForm(
                parsing: target.text, transport: target.transport, builtIn: configuration.carriers.builtIn)
        } catch {
            throw CarrierError(.misconfigured, .giveUp, error.explanation, remedy: error.remedy)
        }
        var selection = RouteSelection(transport: target.transport, carriers: configuration.carriers)
        var knowledge = Knowledge()
        if case .route(let route) = form {
            selection.add(route, from: .commandLine, isNamed: true)
            resolution.note(.commandLine, .answered, "the target is a route itself")
            resolution.note(.directory, .notAsked, "the target is no name")
            resolution.note(.nameService, .notAsked, "the target is no name")
            resolution.note(.convention, .notAsked, "the target is no name")
        } else {
            resolution.name = form.nameText
            resolution.note(
                .commandLine, .nothing, target.transport.map { "insists on \($0)" } ?? "the target is a name")
            try await askDirectory(form, &selection, &knowledge, &resolution)
            await askNameService(form, &selection, &knowledge, &resolution)
            askConvention(form, &selection, &resolution)
        }
        (resolution.routes, resolution.passedOver) = (selection.routes, selection.passedOver)
        try await judge(knowledge, form, &resolution, pinning: pinning)
        await proveMailboxes(&selection, for: resolution.receiver?.key, &knowledge)
        (resolution.routes, resolution.passedOver) = (selection.routes, selection.passedOver)
        guard !resolution.routes.isEmpty else { throw noRoute(knowledge, resolution) }
    }
}
