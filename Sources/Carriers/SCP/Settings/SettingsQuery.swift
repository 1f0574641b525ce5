internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// Asks `ssh -G` how a host is reached. Blocks.
struct SettingsQuery {
    let configuration: SCPCarrierConfiguration

    /// No configuration makes `ssh -G` print more than this.
    private static let largestReport = 1 << 20

    /// The settings for `address`, with what the carrier's own configuration says in their place.
    ///
    /// - Throws: `misconfigured` when ssh is there and rejects its configuration, or does not answer.
    func settings(for address: SCPAddress) throws(CarrierError) -> SSHSettings {
        var settings = try reported(address) ?? SSHSettings(defaultsFor: address)
        settings.identityFiles = configuration.identities.map(\.string) + settings.identityFiles
        if let files = configuration.knownHosts {
            settings.userKnownHosts = files.map(\.string)
            settings.globalKnownHosts = []
        }
        if let socket = configuration.agentSocket { settings.agentSocket = socket }
        return settings
    }

    /// The command that carries a connection to the host of `settings` through other hosts.
    func jump(through hosts: String, to settings: SSHSettings) -> [String] {
        let hops = hosts.split(separator: ",").map(String.init)
        let host = settings.hostName.contains(":") ? "[\(settings.hostName)]" : settings.hostName
        var command = base + ["-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes"]
        if hops.count > 1 { command += ["-J", hops.dropLast().joined(separator: ",")] }
        command += ["-W", "\(host):\(settings.port)"]
        // The last hop is `[user@]host[:port]`, which ssh takes in one piece only as a URI.
        return command + ["--", hops.last.map { $0.hasPrefix("ssh://") ? $0 : "ssh://" + $0 } ?? ""]
    }

    private var base: [String] {
        [configuration.sshProgram] + (configuration.sshConfiguration.map { ["-F", $0.string] } ?? [])
    }

    /// What ssh reports; nil where there is no ssh.
    private func reported(_ address: SCPAddress) throws(CarrierError) -> SSHSettings? {
        var command = base + ["-G"]
        if let user = address.user { command += ["-l", user] }
        if let port = address.port { command += ["-p", String(port)] }
        let answer: Answer
        do throws(SystemFailure) {
            answer = try ask(command + ["--", address.host])
        } catch {
            guard error.errno == .noSuchFileOrDirectory else {
                throw CarrierError(local: error, "cannot read the configuration of ssh for '\(address.host)'")
            }
            return nil
        }
        guard answer.status == 0 else {
            let complaint = String(decoding: answer.errors, as: UTF8.self).split(separator: "\n").last
            throw failure(address, complaint.map { "ssh says '\($0.prefix(200))'" } ?? "ssh gave no answer")
        }
        return SSHSettings(report: String(decoding: answer.output, as: UTF8.self), for: address)
    }

    private struct Answer {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var status: Int32?
    }

    private func ask(_ command: [String]) throws(SystemFailure) -> Answer {
        let output = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        let child = try ChildProcess(command, output: output.write.number, errors: errors.write.number)
        output.write.shut()
        errors.write.shut()
        let deadline = ContinuousClock.now + configuration.connectTime
        var answer = Answer()
        // What it complains about fits into the pipe, so one after the other does.
        guard output.read.readAll(into: &answer.output, atMost: Self.largestReport, before: deadline),
            errors.read.readAll(into: &answer.errors, atMost: Self.largestReport, before: deadline)
        else { return answer }
        answer.status = child.wait()
        return answer
    }

    private func failure(_ address: SCPAddress, _ reason: String) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson, "cannot read the configuration of ssh for '\(address.host)': \(reason)",
            remedy: "check what 'ssh -G \(address.host)' says")
    }
}
