import Foundation
import ProgramRunner

/// The peers' `tcd mux-consumer`.
struct PeerMuxConsumer {
    let program: Program

    /// Starts one that waits for what is sent to `agent`.
    init(_ peer: Peer, _ server: MuxServer, agent: String, inbox: String, _ options: String...) throws {
        program = try peer.start(
            "tcd",
            [
                "mux-consumer", "--server", server.url, "--agent", agent, "--inbox", inbox, "--interval", "0.2",
                "--duration", "120",
            ] + options)
    }
}
