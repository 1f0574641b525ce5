internal import ArgumentParser

/// `tcd completions`
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for a shell.",
        discussion: """
            bash:  tcd completions bash > /etc/bash_completion.d/tcd
            zsh:   tcd completions zsh > "${fpath[1]}/_tcd"
            fish:  tcd completions fish > ~/.config/fish/completions/tcd.fish
            """)

    /// The shells that scripts can be made for.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        let target: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        Terminal.say(Tcd.completionScript(for: target))
    }
}
