import CarrierConformance
import CarrierMux
import Fabric
import Foundation
import ProgramRunner
import Testing

/// The mux carrier, to the reference server behind a relay that can break.
///
/// The intent is one without a limit, because the cases send more than fits under the usual one; that limit is in
/// `Interop`.
struct PeerMuxSubject: ConformanceSubject {
    let title = "mux, to the reference server"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .receiving, .limit, .breakage(.absent), .breakage(.diesMidway),
        .breakage(.diesBeforeAnswering),
        .breakage(.trickles), .breakage(.slow), .breakage(.neverAnswers), .breakage(.answersGarbage),
        .breakage(.answersLate),
        .breakage(.closesAtOnce), .breakage(.speaksAnother),
    ]
    let excuses = excusing([
        (
            "the far side answers once the envelope is durable, with its digest; it closes no files",
            CaseNames.forgetting
        ),
        ("plain HTTP has no key; certificates are checked against authorities, in TLSTests", CaseNames.keys),
        ("the server holds nothing for anybody, so there is no lease that could run out", CaseNames.needing(.leases)),
        (
            "a frame that is not as it claims is passed over before it is offered, in MuxFrameTests",
            CaseNames.needing(.falseOffers)
        ),
        ("a frame comes whole or not at all", CaseNames.needing(.resuming)),
        ("the server takes everything into its memory", CaseNames.needing(.breakage(.full), .breakage(.readOnly))),
    ])

    /// What would fill the machine: the server holds each frame in its memory, several times over, for ever.
    static let tooMuchForTheServer: Set = ["constant-memory", "beyond-4-gib"]

    private let server: MuxServer

    init() async throws { server = try await Self.shared.value }

    private static let shared = Task { try await MuxServer.reference() }

    func makeCarrier() async throws -> any Carrier { carrier(limit: nil) }
    func makeLimitedCarrier() async throws -> any Carrier { carrier(limit: 1_000_000) }

    private func carrier(limit: Int64?) -> any Carrier {
        var configuration = MuxCarrierConfiguration()
        configuration.agent = "sender-" + UUID().uuidString
        configuration.largestEnvelope = limit
        configuration.intent = "stream"
        configuration.closingTime = .zero
        configuration.pollInterval = .milliseconds(50)
        configuration.stallTime = .seconds(4)
        return WithoutResuming(inner: MuxCarrier(configuration: configuration))
    }

    func makeFarSide() async throws -> any FarSide { try MuxFarSide(server, intent: "stream", sender: "") }
}

/// At a peer's server the carrier holds 0 bytes of everything, which is the same as no resuming.
private struct WithoutResuming: CarrierLayer {
    let inner: any Carrier

    func forwards(_ power: CarrierPower) -> Bool { power != .resuming }

    func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await inner.deliver(envelope, along: route, reporting: progress)
    }
}

extension ConformanceTests {
    @Test(
        "The mux carrier, to the reference server",
        arguments: quickNames.filter { !PeerMuxSubject.tooMuchForTheServer.contains($0) })
    func peerMux(name: String) async throws { try await Self.check(name, over: PeerMuxSubject()) }

    @Test("The subject of the reference mux server excuses only what exists")
    func peerMuxExcuses() async throws {
        #expect(ConformanceSuite.strayExcuses(of: try await PeerMuxSubject()).isEmpty)
    }
}
